/** The little this library reads in a session description (RFC 8866). */

import type { Source } from "./shapes.ts";

/**
 * Which of the sections that the server wants to receive is for what, by `mid`: the first of audio
 * is the microphone; video with simulcast (RFC 8853) is the camera, else the first; another one is
 * the screen.
 */
export function publishSections(offer: string): ReadonlyMap<string, Source> {
  const wanted = offer
    .split(/\r?\n(?=m=)/)
    .slice(1)
    .filter((section) => /^a=recvonly\s*$/m.test(section));
  const sources = new Map<string, Source>();
  const videos = wanted.filter((section) => section.startsWith("m=video"));
  const camera = videos.find((section) => /^a=simulcast:/m.test(section)) ?? videos[0];
  const microphone = wanted.find((section) => section.startsWith("m=audio"));
  const screen = videos.find((section) => section !== camera);
  const named = [
    [microphone, "audio"],
    [camera, "video"],
    [screen, "screen"],
  ] as const;
  for (const [section, source] of named) {
    const mid = section && /^a=mid:(\S+)/m.exec(section)?.[1];
    if (mid) sources.set(mid, source);
  }
  return sources;
}
