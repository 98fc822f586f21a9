/** What one client sends: a producer for each section it said it would send in. */

import { AppError } from "../../../base/errors.ts";
import type { MediaPeer, MediaProducer } from "../../../infra/media/engine.ts";
import type { Answer, PublishedSection } from "../../../tools/sdp/answer.ts";
import type { Source } from "../../../tools/sdp/sections.ts";

export interface Publication {
  readonly mid: string;
  readonly source: Source;
  readonly producer: MediaProducer;
}

export interface PublishResult {
  published: { mid: string; source: Source }[];
  rejected: { mid: string; source: Source; reason: string }[];
}

export interface PublicationsOptions {
  readonly onPublished: (publication: Publication) => void;
  readonly onUnpublished: (publication: Publication) => void;
}

export class Publications {
  readonly #byMid = new Map<string, Publication>();
  readonly #options: PublicationsOptions;

  constructor(options: PublicationsOptions) {
    this.#options = options;
  }

  get sources(): Source[] {
    return [...this.#byMid.values()].map(({ source }) => source);
  }

  /**
   * Makes the producers that are new in the answer and closes those it no longer has. What the
   * engine refuses is rejected; other errors come out, with what was made so far kept.
   */
  async apply(peer: MediaPeer, answer: Answer): Promise<PublishResult> {
    const result: PublishResult = { published: [], rejected: [] };
    const wanted = new Set(answer.published.map(({ mid }) => mid));
    for (const publication of [...this.#byMid.values()]) {
      if (!wanted.has(publication.mid)) this.#close(publication);
    }
    for (const section of answer.published) {
      const { mid, source } = section;
      const refusal = this.#byMid.has(mid) ? undefined : await this.#produce(peer, section);
      if (refusal === undefined) result.published.push({ mid, source });
      else result.rejected.push({ mid, source, reason: refusal });
    }
    for (const { mid, source, reason } of answer.rejected) {
      if (source) result.rejected.push({ mid, source, reason });
    }
    return result;
  }

  /** Forgets all without a word: the connection under them is gone. */
  clear(): void {
    this.#byMid.clear();
  }

  /** Returns why not, undefined when it was made. */
  async #produce(peer: MediaPeer, section: PublishedSection): Promise<string | undefined> {
    const { mid, source, kind, rtp } = section;
    try {
      const producer = await peer.produce({ kind, rtp });
      const publication = { mid, source, producer };
      this.#byMid.set(mid, publication);
      this.#options.onPublished(publication);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.kind === "invalid") return thrown.code;
      throw thrown;
    }
  }

  #close(publication: Publication): void {
    this.#byMid.delete(publication.mid);
    publication.producer.close();
    this.#options.onUnpublished(publication);
  }
}
