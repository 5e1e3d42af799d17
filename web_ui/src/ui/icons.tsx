import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const EyeIcon = () => (
  <Icon>
    <path d="M1.8 10S4.8 4.5 10 4.5 18.2 10 18.2 10 15.2 15.5 10 15.5 1.8 10 1.8 10Z" />
    <circle cx="10" cy="10" r="2.5" class="icon-fill" />
  </Icon>
);
export const WarnIcon = () => (
  <Icon>
    <path d="M10 3 1.9 16.800h16.200L10 3ZM10 8.200v4" />
    <circle cx="10" cy="14.4" r=".6" class="icon-fill" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);
export const LeftIcon = () => (
  <Icon>
    <path d="m12 4.5-5.5 5.5 5.5 5.5" />
  </Icon>
);
export const RightIcon = () => (
  <Icon>
    <path d="m8 4.5 5.5 5.5-5.5 5.5" />
  </Icon>
);
export const UpIcon = () => (
  <Icon>
    <path d="M10 16V4.500M5 9l5-5 5 5" />
  </Icon>
);
export const FilterIcon = () => (
  <Icon>
    <path d="M3 5.500h14M5.8 10h8.400M8.5 14.500h3" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon>
    <path d="M7 5v10M13 5v10" />
  </Icon>
);
export const PlayIcon = () => (
  <Icon>
    <path d="m6.5 4.5 8.5 5.5-8.5 5.500Z" />
  </Icon>
);
export const PictureIcon = () => (
  <Icon>
    <rect x="2.5" y="4" width="15" height="12" rx="1.5" />
    <path d="m3 14 4-4 3.5 3.5 2.5-2 4 3.5" />
  </Icon>
);
export const PhoneIcon = () => (
  <Icon>
    <rect x="5.5" y="2" width="9" height="16" rx="2" />
    <path d="M9 15.500h2" />
  </Icon>
);
export const PersonIcon = () => (
  <Icon>
    <circle cx="10" cy="6.5" r="3.5" />
    <path d="M3.500 17a6.500 5.500 0 0 1 13 0" />
  </Icon>
);
export const SignOutIcon = () => (
  <Icon>
    <path d="M8 3.500H4v13h4M8.500 10h8M13.500 6.500 17 10l-3.500 3.500" />
  </Icon>
);
export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path d="M8 13V9.500A1.5 1.5 0 0 1 9.5 8H13M19 8h3.500A1.5 1.5 0 0 1 24 9.500V13M24 19v3.500a1.5 1.5 0 0 1-1.5 1.500H19M13 24H9.500A1.5 1.5 0 0 1 8 22.500V19" />
    <circle cx="16" cy="16" r="3.6" />
  </svg>
);
