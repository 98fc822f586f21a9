/** What the library takes from the machine around it; tests hand in a fake one. */
export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Calls back once after the time, in milliseconds; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
  /** 0 ≤ x < 1. */
  random(): number;
}

/** The browser's (or the runtime's) own fetch, timers and random numbers. */
export function systemEnvironment(): Environment {
  return {
    fetch: (url, init) => fetch(url, init),
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
  };
}
