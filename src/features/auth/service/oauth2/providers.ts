/**
 * The identity providers by the names that collections use: addresses and answers as the providers
 * document them. An operator's own addresses go before those here.
 */

import { isEmail } from "../../../../tools/fields/addresses.ts";
import { at, isTrue, type ProviderDefinition, textAt } from "./definition.ts";

const oidc: ProviderDefinition = {
  displayName: "OIDC",
  scopes: ["openid", "email", "profile"],
  idToken: { use: "withoutUserInfo" },
  // OpenID Connect Core 1.0, section 5.1.
  user: {
    id: "sub",
    name: "name",
    username: "preferred_username",
    avatar: "picture",
    email: "email",
    emailIf: ["email_verified"],
  },
};

const PROVIDERS: Readonly<Record<string, ProviderDefinition>> = {
  apple: {
    displayName: "Apple",
    scopes: ["name", "email"],
    authURL: "https://appleid.apple.com/auth/authorize",
    tokenURL: "https://appleid.apple.com/auth/token",
    // Scopes other than openid are answered by a form only.
    authParameters: { response_mode: "form_post" },
    idToken: {
      use: "always",
      issuer: "https://appleid.apple.com",
      jwksURL: "https://appleid.apple.com/auth/keys",
      expires: true,
    },
    user: { id: "sub", name: "name", email: "email", emailIf: ["email_verified"] },
  },
  bitbucket: {
    displayName: "Bitbucket",
    pkce: false,
    scopes: ["account"],
    authURL: "https://bitbucket.org/site/oauth2/authorize",
    tokenURL: "https://bitbucket.org/site/oauth2/access_token",
    userInfoURL: "https://api.bitbucket.org/2.0/user",
    user: {
      id: "uuid",
      name: "display_name",
      username: "username",
      avatar: "links.avatar.href",
      active: { path: "account_status", is: "active" },
    },
    emailLookup: {
      url: "/emails",
      pick: (answer) =>
        firstEmail(at(answer, "values"), (entry) => isTrue(at(entry, "is_primary"))),
    },
  },
  box: {
    displayName: "Box",
    scopes: ["root_readonly"],
    authURL: "https://account.box.com/api/oauth2/authorize",
    tokenURL: "https://api.box.com/oauth2/token",
    userInfoURL: "https://api.box.com/2.0/users/me",
    user: {
      id: "id",
      name: "name",
      avatar: "avatar_url",
      email: "login",
      active: { path: "status", is: "active" },
    },
  },
  discord: {
    displayName: "Discord",
    scopes: ["identify", "email"],
    authURL: "https://discord.com/api/oauth2/authorize",
    tokenURL: "https://discord.com/api/oauth2/token",
    userInfoURL: "https://discord.com/api/users/@me",
    user: { id: "id", username: "username", email: "email", emailIf: ["verified"] },
    adjust: (user, raw) => ({
      name: `${user.username}#${textAt(raw, "discriminator")}`,
      avatarURL: `https://cdn.discordapp.com/avatars/${user.id}/${textAt(raw, "avatar")}.png`,
    }),
  },
  facebook: {
    displayName: "Facebook",
    scopes: ["email"],
    authURL: "https://www.facebook.com/v3.2/dialog/oauth",
    tokenURL: "https://graph.facebook.com/v3.2/oauth/access_token",
    userInfoURL: "https://graph.facebook.com/me?fields=name,email,picture.type(large)",
    user: { id: "id", name: "name", email: "email", avatar: "picture.data.url" },
  },
  gitea: {
    displayName: "Gitea",
    scopes: ["read:user", "user:email"],
    authURL: "https://gitea.com/login/oauth/authorize",
    tokenURL: "https://gitea.com/login/oauth/access_token",
    userInfoURL: "https://gitea.com/api/v1/user",
    user: {
      id: "id",
      name: "full_name",
      username: "login",
      email: "email",
      avatar: "avatar_url",
    },
  },
  gitee: {
    displayName: "Gitee",
    scopes: ["user_info", "emails"],
    authURL: "https://gitee.com/oauth/authorize",
    tokenURL: "https://gitee.com/oauth/token",
    userInfoURL: "https://gitee.com/api/v5/user",
    user: { id: "id", name: "name", username: "login", avatar: "avatar_url" },
    adjust: ({ email }, raw) => ({
      email: isEmail(textAt(raw, "email")) ? textAt(raw, "email") : email,
    }),
    emailLookup: {
      url: "https://gitee.com/api/v5/emails",
      pick: (answer) =>
        firstEmail(answer, (entry) => {
          const scope = at(entry, "scope");
          const isPrimary = Array.isArray(scope) && scope.includes("primary");
          return isPrimary && at(entry, "state") === "confirmed" && isEmail(textAt(entry, "email"));
        }),
    },
  },
  github: {
    displayName: "GitHub",
    scopes: ["read:user", "user:email"],
    authURL: "https://github.com/login/oauth/authorize",
    tokenURL: "https://github.com/login/oauth/access_token",
    userInfoURL: "https://api.github.com/user",
    user: { id: "id", name: "name", username: "login", email: "email", avatar: "avatar_url" },
    emailLookup: {
      url: "/emails",
      pick: (answer) =>
        firstEmail(
          answer,
          (entry) => isTrue(at(entry, "verified")) && isTrue(at(entry, "primary")),
        ),
    },
  },
  gitlab: {
    displayName: "GitLab",
    scopes: ["read_user"],
    authURL: "https://gitlab.com/oauth/authorize",
    tokenURL: "https://gitlab.com/oauth/token",
    userInfoURL: "https://gitlab.com/api/v4/user",
    user: { id: "id", name: "name", username: "username", email: "email", avatar: "avatar_url" },
  },
  google: {
    displayName: "Google",
    scopes: [
      "https://www.googleapis.com/auth/userinfo.profile",
      "https://www.googleapis.com/auth/userinfo.email",
    ],
    authURL: "https://accounts.google.com/o/oauth2/v2/auth",
    tokenURL: "https://oauth2.googleapis.com/token",
    userInfoURL: "https://www.googleapis.com/oauth2/v3/userinfo",
    user: {
      id: "sub",
      name: "name",
      avatar: "picture",
      email: "email",
      emailIf: ["email_verified"],
    },
  },
  instagram2: {
    displayName: "Instagram",
    scopes: ["instagram_business_basic"],
    authURL: "https://www.instagram.com/oauth/authorize",
    tokenURL: "https://api.instagram.com/oauth/access_token",
    userInfoURL:
      "https://graph.instagram.com/me?fields=id,username,account_type,user_id,name,profile_picture_url,followers_count,follows_count,media_count",
    user: { id: "user_id", name: "name", username: "username", avatar: "profile_picture_url" },
  },
  kakao: {
    displayName: "Kakao",
    scopes: ["account_email", "profile_nickname", "profile_image"],
    authURL: "https://kauth.kakao.com/oauth/authorize",
    tokenURL: "https://kauth.kakao.com/oauth/token",
    userInfoURL: "https://kapi.kakao.com/v2/user/me",
    user: {
      id: "id",
      username: "properties.nickname",
      avatar: "properties.profile_image",
      email: "kakao_account.email",
      emailIf: ["kakao_account.is_email_valid", "kakao_account.is_email_verified"],
    },
  },
  lark: {
    displayName: "Lark",
    scopes: [],
    authURL: "https://accounts.feishu.cn/open-apis/authen/v1/authorize",
    tokenURL: "https://open.feishu.cn/open-apis/authen/v2/oauth/token",
    userInfoURL: "https://open.feishu.cn/open-apis/authen/v1/user_info",
    user: { id: "data.union_id", name: "data.name", avatar: "data.avatar_url" },
  },
  linear: {
    displayName: "Linear",
    pkce: false,
    scopes: ["read"],
    authURL: "https://linear.app/oauth/authorize",
    tokenURL: "https://api.linear.app/oauth/token",
    userInfoURL: "https://api.linear.app/graphql",
    query: "query Me { viewer { id displayName name email avatarUrl active } }",
    user: {
      id: "data.viewer.id",
      name: "data.viewer.name",
      username: "data.viewer.displayName",
      email: "data.viewer.email",
      avatar: "data.viewer.avatarUrl",
      active: { path: "data.viewer.active", is: true },
    },
  },
  livechat: {
    displayName: "LiveChat",
    scopes: [],
    authURL: "https://accounts.livechat.com/",
    tokenURL: "https://accounts.livechat.com/token",
    userInfoURL: "https://accounts.livechat.com/v2/accounts/me",
    user: {
      id: "account_id",
      name: "name",
      avatar: "avatar_url",
      email: "email",
      emailIf: ["email_verified"],
    },
  },
  mailcow: {
    displayName: "mailcow",
    scopes: ["profile"],
    user: {
      id: "id",
      name: "full_name",
      username: "username",
      email: "email",
      active: { path: "active", is: 1 },
    },
    // Its user names are addresses.
    adjust: ({ username }) => ({ username: username.split("@")[0] ?? "" }),
  },
  microsoft: {
    displayName: "Microsoft",
    scopes: ["User.Read"],
    authURL: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    tokenURL: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    userInfoURL: "https://graph.microsoft.com/v1.0/me",
    user: { id: "id", name: "displayName", email: "mail" },
  },
  monday: {
    displayName: "monday.com",
    scopes: ["me:read"],
    authURL: "https://auth.monday.com/oauth2/authorize",
    tokenURL: "https://auth.monday.com/oauth2/token",
    userInfoURL: "https://api.monday.com/v2",
    query: "query { me { id enabled name email is_verified photo_small }}",
    user: {
      id: "data.me.id",
      name: "data.me.name",
      avatar: "data.me.photo_small",
      email: "data.me.email",
      emailIf: ["data.me.is_verified"],
      active: { path: "data.me.enabled", is: true },
    },
  },
  notion: {
    displayName: "Notion",
    scopes: [],
    authURL: "https://api.notion.com/v1/oauth/authorize",
    tokenURL: "https://api.notion.com/v1/oauth/token",
    userInfoURL: "https://api.notion.com/v1/users/me",
    headers: () => ({ "notion-version": "2022-06-28" }),
    user: {
      id: "bot.owner.user.id",
      name: "bot.owner.user.name",
      avatar: "bot.owner.user.avatar_url",
      email: "bot.owner.user.person.email",
    },
  },
  oidc,
  oidc2: oidc,
  oidc3: oidc,
  patreon: {
    displayName: "Patreon",
    scopes: ["identity", "identity[email]"],
    authURL: "https://www.patreon.com/oauth2/authorize",
    tokenURL: "https://www.patreon.com/api/oauth2/token",
    userInfoURL:
      "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=full_name,email,vanity,image_url,is_email_verified",
    user: {
      id: "data.id",
      name: "data.attributes.full_name",
      username: "data.attributes.vanity",
      avatar: "data.attributes.image_url",
      email: "data.attributes.email",
      emailIf: ["data.attributes.is_email_verified"],
    },
  },
  planningcenter: {
    displayName: "Planning Center",
    scopes: ["people"],
    authURL: "https://api.planningcenteronline.com/oauth/authorize",
    tokenURL: "https://api.planningcenteronline.com/oauth/token",
    userInfoURL: "https://api.planningcenteronline.com/people/v2/me",
    // Of several addresses it does not say which ones are verified.
    user: {
      id: "data.id",
      name: "data.attributes.name",
      avatar: "data.attributes.avatar",
      active: { path: "data.attributes.status", is: "active" },
    },
  },
  spotify: {
    displayName: "Spotify",
    // Its addresses are not verified.
    scopes: ["user-read-private"],
    authURL: "https://accounts.spotify.com/authorize",
    tokenURL: "https://accounts.spotify.com/api/token",
    userInfoURL: "https://api.spotify.com/v1/me",
    user: { id: "id", name: "display_name", avatar: "images.0.url" },
  },
  strava: {
    displayName: "Strava",
    scopes: ["profile:read_all"],
    authURL: "https://www.strava.com/oauth/authorize",
    tokenURL: "https://www.strava.com/api/v3/oauth/token",
    userInfoURL: "https://www.strava.com/api/v3/athlete",
    user: { id: "id", username: "username", avatar: "profile" },
    adjust: (_, raw) => ({ name: `${textAt(raw, "firstname")} ${textAt(raw, "lastname")}` }),
  },
  trakt: {
    displayName: "Trakt",
    scopes: [],
    authURL: "https://trakt.tv/oauth/authorize",
    tokenURL: "https://api.trakt.tv/oauth/token",
    userInfoURL: "https://api.trakt.tv/users/settings",
    headers: (clientId) => ({
      "content-type": "application/json",
      "trakt-api-key": clientId,
      "trakt-api-version": "2",
    }),
    user: {
      id: "user.ids.uuid",
      name: "user.name",
      username: "user.username",
      avatar: "user.images.avatar.full",
    },
  },
  twitch: {
    displayName: "Twitch",
    scopes: ["user:read:email"],
    authURL: "https://id.twitch.tv/oauth2/authorize",
    tokenURL: "https://id.twitch.tv/oauth2/token",
    userInfoURL: "https://api.twitch.tv/helix/users",
    headers: (clientId) => ({ "client-id": clientId }),
    user: {
      id: "data.0.id",
      name: "data.0.display_name",
      username: "data.0.login",
      email: "data.0.email",
      avatar: "data.0.profile_image_url",
    },
  },
  twitter: {
    displayName: "X/Twitter",
    // Its user is not answered without the right to read.
    scopes: ["users.read", "users.email", "tweet.read"],
    authURL: "https://x.com/i/oauth2/authorize",
    tokenURL: "https://api.x.com/2/oauth2/token",
    userInfoURL:
      "https://api.x.com/2/users/me?user.fields=id,name,username,profile_image_url,confirmed_email",
    user: {
      id: "data.id",
      name: "data.name",
      username: "data.username",
      email: "data.confirmed_email",
      avatar: "data.profile_image_url",
    },
  },
  vk: {
    displayName: "ВКонтакте",
    pkce: false,
    scopes: ["email"],
    authURL: "https://oauth.vk.com/authorize",
    tokenURL: "https://oauth.vk.com/access_token",
    userInfoURL: "https://api.vk.com/method/users.get?fields=photo_max,screen_name&v=5.131",
    user: {
      id: "response.0.id",
      username: "response.0.screen_name",
      avatar: "response.0.photo_max",
    },
    adjust: (_, raw, token) => ({
      name: ["first_name", "last_name"]
        .map((key) => textAt(raw, `response.0.${key}`))
        .join(" ")
        .trim(),
      email: textAt(token.raw, "email"),
    }),
  },
  wakatime: {
    displayName: "WakaTime",
    scopes: ["email"],
    authURL: "https://wakatime.com/oauth/authorize",
    tokenURL: "https://wakatime.com/oauth/token",
    userInfoURL: "https://wakatime.com/api/v1/users/current",
    user: {
      id: "data.id",
      name: "data.display_name",
      username: "data.username",
      email: "data.email",
      emailIf: ["data.is_email_confirmed"],
    },
    adjust: (_, raw) =>
      isTrue(at(raw, "data.photo_public")) ? { avatarURL: textAt(raw, "data.photo") } : {},
  },
  yandex: {
    displayName: "Yandex",
    scopes: ["login:email", "login:avatar", "login:info"],
    authURL: "https://oauth.yandex.com/authorize",
    tokenURL: "https://oauth.yandex.com/token",
    userInfoURL: "https://login.yandex.ru/info",
    user: { id: "id", name: "real_name", username: "login", email: "default_email" },
    adjust: (_, raw) => {
      const avatar = textAt(raw, "default_avatar_id");
      const isEmpty = isTrue(at(raw, "is_avatar_empty"));
      return isEmpty
        ? {}
        : { avatarURL: `https://avatars.yandex.net/get-yapic/${avatar}/islands-200` };
    },
  },
};

export function providerDefinition(name: string): ProviderDefinition | undefined {
  return Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name] : undefined;
}

export function isProviderName(name: string): boolean {
  return Object.hasOwn(PROVIDERS, name);
}

export function knownProviders(): readonly string[] {
  return Object.keys(PROVIDERS);
}

function firstEmail(list: unknown, isRight: (entry: unknown) => boolean): string {
  const entries: unknown[] = Array.isArray(list) ? list : [];
  return textAt(entries.find(isRight), "email");
}
