/** The part of the schema that describes channels: namespaces, channels, rpc_proxies. */

import { webUrl } from "./addresses.ts";
import { channelPattern, duration, listOf, rate, text, toggle, whole, word } from "./kinds.ts";
import { field, group, optional, required } from "./language.ts";

const HISTORY_MAX = 100_000;

export const namespacesGroup = group({
  name: required(word("_-"), { doc: "Name; also the first half of permissions: `NAME.publish`." }),
  max_clients: field(whole(1, 1_000_000), 1_000, {
    doc: "Connections subscribed to one channel.",
  }),
  allow_publish: field(toggle(), false, {
    doc: "Clients may publish; else only REST, hooks and superusers.",
  }),
  presence: field(toggle(), false, { doc: "Who is there can be asked, and is announced." }),
  persist: field(toggle(), false, { doc: "History is kept in the database, over restarts." }),
  history: group({
    size: field(whole(0, HISTORY_MAX), 0, { doc: "Messages kept per channel; 0: none." }),
    ttl: field(duration(1_000, 365 * 86_400_000), "1h", { doc: "How long they are kept." }),
    recover: field(toggle(), false, {
      doc: "Clients that return get the messages they missed.",
    }),
  }),
  rate: group({
    per_client: field(rate(), "20/s", { doc: "Publications of one client." }),
  }),
});

export const channelsGroup = group({
  pattern: required(channelPattern(), {
    doc: "Channel name; `*` stands for any characters but `:`.",
  }),
  namespace: required(word("_-"), { doc: "Name of the namespace whose settings hold." }),
  private: field(toggle(), false, { doc: "Only for those whom the next two keys name." }),
  allowed_roles: field(listOf(text(100), 1_000), [], { doc: "Roles that may enter." }),
  allowed_users: field(listOf(text(100), 10_000), [], { doc: "User ids that may enter." }),
  max_history: optional(whole(0, HISTORY_MAX), {
    doc: "Messages kept, instead of the namespace's history.size.",
  }),
});

export const proxiesGroup = group({
  method: required(word("_.-"), { doc: "Method name; not `stats`, `ping` or `time`." }),
  url: required(webUrl(), { doc: "Where the call is sent, as a POST." }),
  timeout: field(duration(1, 60_000), "3s", { doc: "How long an answer may take." }),
});
