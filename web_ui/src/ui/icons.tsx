import type { ComponentChildren, ComponentType } from "preact";
import type { View } from "../state/route";

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
export const HelpIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="8" />
    <path d="M7.600 7.800a2.500 2.500 0 1 1 3.400 2.300c-.7.3-1 .8-1 1.600" />
    <circle cx="10" cy="14.2" r=".6" class="icon-fill" />
  </Icon>
);
export const MoreIcon = () => (
  <Icon>
    <path d="M3 6h14M3 10h14M3 14h14" />
  </Icon>
);
export const BigIcon = () => (
  <Icon>
    <path d="M3 7.500V3h4.500M12.500 3H17v4.500M17 12.500V17h-4.500M7.500 17H3v-4.500" />
  </Icon>
);
export const SmallIcon = () => (
  <Icon>
    <path d="M7.500 3v4.500H3M17 7.500h-4.500V3M12.500 17v-4.500H17M3 12.500h4.500V17" />
  </Icon>
);
export const BoxesIcon = () => (
  <Icon>
    <rect x="3" y="3" width="14" height="14" rx="1.500" />
    <rect x="7" y="7" width="6" height="7" />
  </Icon>
);
const WallIcon = () => (
  <Icon>
    <rect x="2.500" y="3.500" width="6.500" height="5.500" rx="1" />
    <rect x="11" y="3.500" width="6.500" height="5.500" rx="1" />
    <rect x="2.500" y="11" width="6.500" height="5.500" rx="1" />
    <rect x="11" y="11" width="6.500" height="5.500" rx="1" />
  </Icon>
);
const ReviewIcon = () => (
  <Icon>
    <path d="m2.500 5 1.500 1.500L6.500 4M2.500 10 4 11.500 6.500 9M2.500 15 4 16.500 6.500 14M10 5.500h7.500M10 10.500h7.500M10 15.500h7.500" />
  </Icon>
);
const TimelineIcon = () => (
  <Icon>
    <path d="M2.500 16.500h15M4 12h5M11 12h5.500M6 8h9M3.500 4H8" />
  </Icon>
);
const ChartsIcon = () => (
  <Icon>
    <path d="M3 17V3M3 17h14M7 14v-4M11 14V6M15 14V9" />
  </Icon>
);
const ZonesIcon = () => (
  <Icon>
    <path d="M4 5.500 15.500 4 17 14 7 16.500Z" />
  </Icon>
);
const CostsIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7" />
    <path d="M12.500 7.500Q10 6 8 7.500T10 10t2 2.500-4.500.500M10 5v1.500M10 13.500V15" />
  </Icon>
);
const SnoozesIcon = () => (
  <Icon>
    <circle cx="10" cy="10.500" r="7" />
    <path d="M10 6.500v4l2.500 2" />
  </Icon>
);
export const VIEW_ICONS: Record<View, ComponentType> = {
  wall: WallIcon,
  review: ReviewIcon,
  timeline: TimelineIcon,
  frames: PictureIcon,
  frame: PictureIcon,
  charts: ChartsIcon,
  costs: CostsIcon,
  zones: ZonesIcon,
  snoozes: SnoozesIcon,
};
export const PlusIcon = () => (
  <Icon>
    <path d="M10 4.500v11M4.500 10h11" />
  </Icon>
);
export const MinusIcon = () => (
  <Icon>
    <path d="M4.500 10h11" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="7" y="7" width="9.500" height="9.500" rx="1.500" />
    <path d="M13 4.500v-1h-9.500v9.500h1" />
  </Icon>
);
export const DownloadIcon = () => (
  <Icon>
    <path d="M10 3.500v9M6 9l4 4 4-4M4 16.500h12" />
  </Icon>
);
export const UndoIcon = () => (
  <Icon>
    <path d="M7 4 3.500 7.500 7 11M4 7.500h8a4 4 0 0 1 0 8.500H8" />
  </Icon>
);
export const RedoIcon = () => (
  <Icon>
    <path d="m13 4 3.500 3.500L13 11M16 7.500H8a4 4 0 0 0 0 8.500h4" />
  </Icon>
);
export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path d="M8 13V9.500A1.5 1.5 0 0 1 9.5 8H13M19 8h3.500A1.5 1.5 0 0 1 24 9.500V13M24 19v3.500a1.5 1.5 0 0 1-1.5 1.500H19M13 24H9.500A1.5 1.5 0 0 1 8 22.500V19" />
    <circle cx="16" cy="16" r="3.6" />
  </svg>
);
