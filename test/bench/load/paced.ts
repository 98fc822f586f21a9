/** Requests at a pace, begun whatever became of those before, as clients do who know no other. */

/** Between the beginnings of two requests: 200 a second. */
const PACE_MS = 5;

/** Milliseconds of each request until `isOver`. `ask` gets the number of those before. */
export async function paced(
  isOver: () => boolean,
  ask: (sent: number) => Promise<unknown>,
): Promise<number[]> {
  const took: number[] = [];
  const running: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; !isOver(); sent++) {
    const wait = began + sent * PACE_MS - performance.now();
    if (wait > 0) await Bun.sleep(wait);
    running.push(
      (async () => {
        const start = performance.now();
        await ask(sent);
        took.push(performance.now() - start);
      })(),
    );
  }
  await Promise.all(running);
  return took;
}
