/** The rate limit rules of the settings: fixed windows by rule and client address. */

import type { Clock } from "../../../../base/clock.ts";
import { fail } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";
import { type Caller, isPrivileged } from "../../../../core/access.ts";
import type { Collection } from "../../schema.ts";
import type { SettingsBook } from "../settings/book.ts";
import type { RateLimitRule, Settings } from "../settings/shape.ts";

/** What rules look at. */
export interface CountedRequest {
  readonly method: string;
  readonly path: string;
  /** Name or id, where the request is about one; its own tags count there only. */
  readonly collection: string | undefined;
  /** `list`, for rules of `posts:list` and `*:list`. */
  readonly tags: readonly string[];
}

export interface RateRulesParts {
  readonly clock: Clock;
  readonly settings: SettingsBook;
  readonly collection: (nameOrId: string) => Collection | undefined;
}

interface Window {
  /** Seconds since the epoch. */
  start: number;
  left: number;
}

interface Rules {
  readonly byLabel: ReadonlyMap<string, readonly RateLimitRule[]>;
  /** Labels that end with a slash hold for all paths below. */
  readonly prefixes: readonly RateLimitRule[];
}

export class RateRules {
  readonly #clock: Clock;
  readonly #collection: RateRulesParts["collection"];
  #rules: Rules | undefined;
  /** Least recently begun first. */
  readonly #windows = new Map<string, Window>();

  constructor(parts: RateRulesParts) {
    this.#clock = parts.clock;
    this.#collection = parts.collection;
    parts.settings.onChange((now, before) => {
      // Counts of an unchanged rule go on.
      if (now.rateLimits !== before.rateLimits) this.#load(now);
    });
  }

  #load({ rateLimits }: Settings): void {
    this.#windows.clear();
    this.#rules = rateLimits.enabled ? compile(rateLimits.rules) : undefined;
  }

  /**
   * Counts a request against its caller's address. Error: 429 `rate_limited`. Superusers are not
   * counted.
   */
  admit(request: CountedRequest, caller: Caller): void {
    if (!this.#rules || isPrivileged(caller)) return;
    const own = [`${request.method} ${request.path}`, request.path];
    const tagged = this.#tagged(request);
    const isGuest = caller.kind !== "user";
    const rule = findRule(this.#rules, tagged ? [...tagged.labels, ...own] : own, isGuest);
    if (!rule) return;
    const counted = `${tagged?.key ?? rule.label} ${rule.audience} ${caller.ip}`;
    if (!this.#take(counted, rule)) throw rateLimited(rule);
  }

  /** What is asked of a collection counts for that collection alone. */
  #tagged({ method, collection: nameOrId, tags }: CountedRequest) {
    if (tags.length === 0 || nameOrId === undefined) return undefined;
    const collection = this.#collection(nameOrId);
    if (!collection) return undefined;
    return {
      key: `${collection.id} ${method} ${tags.join(" ")}`,
      labels: [...tags.map((tag) => `${collection.name}:${tag}`), ...tags.map((tag) => `*:${tag}`)],
    };
  }

  #take(key: string, rule: RateLimitRule): boolean {
    const now = Math.floor(this.#clock.now() / 1_000);
    const window = this.#windows.get(key);
    if (window && now - window.start < rule.duration) {
      if (window.left <= 0) return false;
      window.left--;
      return true;
    }
    this.#windows.delete(key);
    this.#windows.set(key, { start: now, left: rule.maxRequests - 1 });
    if (this.#windows.size > LIMITS.rateRuleKeysMax) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#windows.keys()) {
      this.#windows.delete(key);
      return;
    }
  }
}

function compile(rules: readonly RateLimitRule[]): Rules {
  const byLabel = new Map<string, RateLimitRule[]>();
  for (const rule of rules) {
    byLabel.set(rule.label, [...(byLabel.get(rule.label) ?? []), rule]);
  }
  return { byLabel, prefixes: rules.filter(({ label }) => label.endsWith("/")) };
}

/** The first label that a rule has decides, the more precise ones being first. */
function findRule(
  { byLabel, prefixes }: Rules,
  labels: readonly string[],
  isGuest: boolean,
): RateLimitRule | undefined {
  const meant = ({ audience }: RateLimitRule) =>
    audience === "" || audience === (isGuest ? "@guest" : "@auth");
  for (const label of labels) {
    const below = `${label}/`;
    const rule =
      byLabel.get(label)?.find(meant) ??
      prefixes.find((prefix) => below.startsWith(prefix.label) && meant(prefix));
    if (rule) return rule;
  }
  return undefined;
}

function rateLimited({ duration }: RateLimitRule) {
  const message = "Too many requests: try again later.";
  return fail.rate_limited("rate_limited", message, { retryAfter: duration });
}
