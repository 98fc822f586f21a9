/** The voices: one audio element each, apart from the tiles, so that no redrawing cuts them. */

import { byId, make } from "./dom.ts";

export class Sounds {
  readonly #home = byId("sounds", HTMLElement);
  readonly #playing = new Map<string, HTMLAudioElement>();
  readonly #notice: (text: string) => void;

  /** `notice` shows a line to the user; an empty one takes it away. */
  constructor(notice: (text: string) => void) {
    this.#notice = notice;
  }

  play(participantId: string, stream: MediaStream): void {
    const audio = this.#playing.get(participantId) ?? this.#add(participantId);
    if (audio.srcObject !== stream) audio.srcObject = stream;
    audio.play().catch((error: unknown) => {
      // AbortError: another stream took its place. NotAllowedError: no sound before a click.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#waitForClick();
    });
  }

  stop(participantId: string): void {
    const audio = this.#playing.get(participantId);
    if (!audio) return;
    audio.srcObject = null;
    audio.remove();
    this.#playing.delete(participantId);
  }

  clear(): void {
    for (const participantId of [...this.#playing.keys()]) this.stop(participantId);
  }

  #add(participantId: string): HTMLAudioElement {
    const audio = make("audio");
    audio.autoplay = true;
    this.#playing.set(participantId, audio);
    this.#home.append(audio);
    return audio;
  }

  #waitForClick(): void {
    this.#notice("The browser keeps the sound off until you click or tap anywhere.");
    const start = () => {
      this.#notice("");
      for (const audio of this.#playing.values()) void audio.play();
    };
    document.addEventListener("pointerdown", start, { once: true });
  }
}
