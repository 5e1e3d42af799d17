export const hours = {
  label: "For",
  spans: [
    { hours: 1, words: "1 hour" },
    { hours: 8, words: "8 hours" },
    { hours: 24, words: "24 hours" },
    { hours: 24 * 7, words: "7 days" },
  ],
} as const;
