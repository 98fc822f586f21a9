/** The providers that people can sign in with, by the names that collections use. */

export interface ProviderName {
  readonly name: string;
  readonly displayName: string;
  /** An SVG picture; "" for none. */
  readonly logo: string;
}

const DISPLAY_NAMES: Readonly<Record<string, string>> = {
  apple: "Apple",
  bitbucket: "Bitbucket",
  box: "Box",
  discord: "Discord",
  facebook: "Facebook",
  gitea: "Gitea",
  gitee: "Gitee",
  github: "GitHub",
  gitlab: "GitLab",
  google: "Google",
  instagram2: "Instagram",
  kakao: "Kakao",
  lark: "Lark",
  linear: "Linear",
  livechat: "LiveChat",
  mailcow: "mailcow",
  microsoft: "Microsoft",
  monday: "monday.com",
  notion: "Notion",
  oidc: "OIDC",
  oidc2: "OIDC (2)",
  oidc3: "OIDC (3)",
  patreon: "Patreon",
  planningcenter: "Planning Center",
  spotify: "Spotify",
  strava: "Strava",
  trakt: "Trakt",
  twitch: "Twitch",
  twitter: "X/Twitter",
  vk: "VK",
  wakatime: "WakaTime",
  yandex: "Yandex",
};

export function isProvider(name: string): boolean {
  return Object.hasOwn(DISPLAY_NAMES, name);
}

export function providerNames(): ProviderName[] {
  const entries = Object.entries(DISPLAY_NAMES);
  return entries.map(([name, displayName]) => ({ name, displayName, logo: "" }));
}
