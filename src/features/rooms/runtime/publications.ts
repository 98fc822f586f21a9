/** What one client sends: a producer for each section it said it would send in. */

import { AppError, fail } from "../../../base/errors.ts";
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
  /** What is made while its source is silent begins paused. */
  readonly isMuted: (source: Source) => boolean;
  readonly onPublished: (publication: Publication) => void;
  readonly onUnpublished: (publication: Publication) => void;
}

export class Publications {
  readonly #byMid = new Map<string, Publication>();
  readonly #options: PublicationsOptions;

  constructor(options: PublicationsOptions) {
    this.#options = options;
  }

  get all(): readonly Publication[] {
    return [...this.#byMid.values()];
  }

  get sources(): Source[] {
    return [...this.#byMid.values()].map(({ source }) => source);
  }

  /**
   * Makes the producers that are new in the answer and closes those it no longer has. What the
   * engine refuses is rejected; other errors come out, with what was made so far kept.
   */
  async apply(
    peer: MediaPeer,
    answer: Pick<Answer, "published" | "rejected">,
  ): Promise<PublishResult> {
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

  /** Makes one more. Errors: 409 `source_published`, 400 `invalid_sdp`. */
  async add(peer: MediaPeer, section: PublishedSection): Promise<Publication> {
    if (this.sources.includes(section.source)) throw published();
    const publication = await this.#make(peer, section);
    if (this.#byMid.has(section.mid)) {
      publication.producer.close();
      throw published();
    }
    this.#keep(publication);
    return publication;
  }

  /** Error: 404 `producer_not_found`. */
  remove(producerId: string): void {
    const known = [...this.#byMid.values()].find(({ producer }) => producer.id === producerId);
    if (!known) throw fail.not_found("producer_not_found", "There is no such producer.");
    this.#close(known);
  }

  /** The connection under all of them ended, and nothing takes its place. */
  drop(): void {
    for (const publication of this.all) this.#close(publication);
  }

  /** Nothing of the source goes on to others, or again. */
  setPaused(source: Source, paused: boolean): void {
    for (const publication of this.#byMid.values()) {
      if (publication.source === source) publication.producer.setPaused(paused);
    }
  }

  /** Forgets all without a word: the connection under them is gone. */
  clear(): void {
    this.#byMid.clear();
  }

  /** Returns why not, undefined when it was made. */
  async #produce(peer: MediaPeer, section: PublishedSection): Promise<string | undefined> {
    try {
      this.#keep(await this.#make(peer, section));
      return undefined;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.kind === "invalid") return thrown.code;
      throw thrown;
    }
  }

  async #make(peer: MediaPeer, section: PublishedSection): Promise<Publication> {
    const { mid, source, kind, rtp } = section;
    return { mid, source, producer: await peer.produce({ kind, rtp }) };
  }

  #keep(publication: Publication): void {
    const { mid, source, producer } = publication;
    if (this.#options.isMuted(source)) producer.setPaused(true);
    this.#byMid.set(mid, publication);
    this.#options.onPublished(publication);
  }

  #close(publication: Publication): void {
    this.#byMid.delete(publication.mid);
    publication.producer.close();
    this.#options.onUnpublished(publication);
  }
}

function published(): AppError {
  return fail.conflict("source_published", "You send that already.");
}
