/**
 * The first import of the executable. Elysia reads NODE_ENV when it is evaluated, and outside
 * production it puts the details of failed validation into answers; no build option sets it.
 */

if (Bun.isStandaloneExecutable) {
  process.env.NODE_ENV ??= "production";
  Bun.env.NODE_ENV ??= "production";
}
