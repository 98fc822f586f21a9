/** Mails: by SMTP to a server that listens, into the outbox where none is set, their bounds. */

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/base/clock.ts";
import { AppError } from "../../src/base/errors.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { silentLog } from "../../src/base/log.ts";
import { Mailer, type SmtpRoute } from "../../src/infra/mail/mailer.ts";
import type { Mail } from "../../src/infra/mail/message.ts";
import { fillTemplate } from "../../src/infra/mail/template.ts";
import { htmlToText } from "../../src/infra/mail/text.ts";
import { recordedLog } from "../fixtures/recorded-log.ts";

const ROUTE: SmtpRoute = {
  enabled: true,
  host: "127.0.0.1",
  port: 0,
  username: "",
  password: "",
  authMethod: "",
  tls: false,
  localName: "",
};
const MAIL: Mail = {
  from: { name: "Support, Ünit", address: "support@example.com" },
  to: ["ann@example.com"],
  subject: "Grüße",
  html: '<p>Hello <a href="http://x.test/a?b=1&amp;c=2">there</a></p>',
};

interface Session {
  readonly commands: string[];
  data: string;
  buffer: string;
  inData: boolean;
}

/** Speaks enough SMTP (RFC 5321) to take mails; `refuses` is a verb that it answers with 550. */
function smtpServer(options: { readonly auth?: boolean; readonly refuses?: string } = {}) {
  const sessions: Session[] = [];
  const listener = Bun.listen<Session>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { commands: [], data: "", buffer: "", inData: false };
        sessions.push(socket.data);
        socket.write("220 here\r\n");
      },
      data(socket, chunk) {
        const session = socket.data;
        session.buffer += chunk.toString("utf8");
        for (;;) {
          const end = session.buffer.indexOf(session.inData ? "\r\n.\r\n" : "\r\n");
          if (end < 0) return;
          const line = session.buffer.slice(0, end);
          session.buffer = session.buffer.slice(end + (session.inData ? 5 : 2));
          if (session.inData) {
            session.data = line;
            session.inData = false;
            socket.write("250 taken\r\n");
            continue;
          }
          session.commands.push(line);
          const verb = line.split(" ")[0]?.toUpperCase() ?? "";
          if (verb === options.refuses) socket.write("550 no\r\n");
          else if (verb === "EHLO") {
            socket.write(options.auth ? "250-here\r\n250 AUTH PLAIN LOGIN\r\n" : "250 here\r\n");
          } else if (verb === "AUTH") socket.write("235 in\r\n");
          else if (verb === "DATA") {
            session.inData = true;
            socket.write("354 go\r\n");
          } else if (verb === "QUIT") {
            socket.end("221 bye\r\n");
          } else socket.write("250 fine\r\n");
        }
      },
    },
  });
  return { sessions, port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}

function mailer() {
  const dir = mkdtempSync(join(tmpdir(), "parvis-mail-"));
  const clock = new FakeClock();
  const { log, lines } = recordedLog();
  return {
    mailer: new Mailer({ dir, clock, ids: fakeIds(clock), log }),
    dir,
    clock,
    lines,
    names: () => readdirSync(join(dir, "outbox")).sort(),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "";
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

describe("with a mail server", () => {
  test("a mail has both parts, a date and an id of its own", async () => {
    using server = smtpServer();
    using made = mailer();
    await made.mailer.send(MAIL, { ...ROUTE, port: server.port, localName: "our.host" });
    const [session] = server.sessions;
    expect(session?.commands.slice(0, 3)).toEqual([
      "EHLO our.host",
      "MAIL FROM:<support@example.com>",
      "RCPT TO:<ann@example.com>",
    ]);
    const data = session?.data ?? "";
    expect(data).toContain("To: ann@example.com");
    expect(data).toContain("Date: Wed, 10 Jan 2024 12:00:00 +0000");
    expect(data).toMatch(/Message-ID: <[A-Za-z0-9]{20}@example\.com>/);
    expect(data).toContain("Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=");
    expect(data).toContain("Content-Type: text/plain");
    expect(data).toContain("Hello there (http://x.test/a?b=1&c=2)");
    expect(data).toContain("Content-Type: text/html");
  });

  for (const authMethod of ["", "PLAIN", "LOGIN"]) {
    test(`signs in by ${authMethod || "the default"}`, async () => {
      using server = smtpServer({ auth: true });
      using made = mailer();
      const credentials = { username: "ann", password: "secret", authMethod };
      await codeOf(made.mailer.send(MAIL, { ...ROUTE, port: server.port, ...credentials }));
      const auth = server.sessions[0]?.commands.find((line) => line.startsWith("AUTH"));
      expect(auth).toStartWith(
        authMethod === "LOGIN" ? "AUTH LOGIN" : "AUTH PLAIN AGFubgBzZWNyZXQ=",
      );
    });
  }

  test("a refusal is an error, and keeps nothing in the outbox", async () => {
    using server = smtpServer({ refuses: "RCPT" });
    using made = mailer();
    expect(await codeOf(made.mailer.send(MAIL, { ...ROUTE, port: server.port }))).toBe(
      "mail_failed",
    );
    expect(readdirSync(made.dir)).toEqual([]);
  });

  test("one that does not listen is an error", async () => {
    using made = mailer();
    const gone = smtpServer();
    gone[Symbol.dispose]();
    expect(await codeOf(made.mailer.send(MAIL, { ...ROUTE, port: gone.port }))).toBe("mail_failed");
  });

  test("what looks like a second header stays in the first", async () => {
    using server = smtpServer();
    using made = mailer();
    const subject = "Hi\r\nBcc: eve@example.com";
    const to = ["ann@example.com\r\nRCPT TO:<eve@example.com>"];
    await codeOf(made.mailer.send({ ...MAIL, subject }, { ...ROUTE, port: server.port }));
    await codeOf(made.mailer.send({ ...MAIL, to }, { ...ROUTE, port: server.port }));
    const said = server.sessions.flatMap(({ commands, data }) => [
      ...commands,
      ...data.split("\r\n"),
    ]);
    expect(said.filter((line) => /^(bcc:|rcpt to:<eve@example)/i.test(line))).toEqual([]);
  });
});

describe("without a mail server", () => {
  const none = { ...ROUTE, enabled: false };

  test("a mail is a file, and the log tells where without telling what", async () => {
    using made = mailer();
    await made.mailer.send({ ...MAIL, html: "<p>token-eyJhbGci</p>" }, none);
    const [name] = made.names();
    expect(name).toMatch(/^2024-01-10T12-00-00\.000Z-[A-Za-z0-9]{20}\.eml$/);
    expect(readFileSync(join(made.dir, "outbox", name ?? ""), "utf8")).toContain("token-eyJhbGci");
    expect(made.lines).toHaveLength(1);
    expect(made.lines[0]).toContain(name ?? "?");
    expect(made.lines[0]).not.toContain("eyJ");
  });

  test("the oldest goes when there are too many, also after a start", async () => {
    using made = mailer();
    await made.mailer.send(MAIL, none);
    const old = (index: number) => `2023-01-01T00-00-00.000Z-${String(index).padStart(4, "0")}.eml`;
    for (let i = 0; i < LIMITS.outboxFilesMax; i++) {
      writeFileSync(join(made.dir, "outbox", old(i)), "old");
    }
    using second = { ...mailer(), [Symbol.dispose]: () => undefined };
    const { clock } = second;
    const restarted = new Mailer({
      dir: made.dir,
      clock,
      ids: fakeIds(clock, 7),
      log: silentLog(),
    });
    await Promise.all([restarted.send(MAIL, none), restarted.send(MAIL, none)]);
    const names = made.names();
    expect(names).toHaveLength(LIMITS.outboxFilesMax);
    expect(names[0]).toBe(old(3));
    rmSync(second.dir, { recursive: true, force: true });
  });
});

test("a mail has bounds", async () => {
  using made = mailer();
  const send = (changes: Partial<Mail>) => codeOf(made.mailer.send({ ...MAIL, ...changes }, ROUTE));
  expect(await send({ to: [] })).toBe("no_recipient");
  const many = Array(LIMITS.mailRecipientsMax + 1).fill("a@x.co");
  expect(await send({ to: many })).toBe("too_many_recipients");
  expect(await send({ html: "x".repeat(LIMITS.mailBytesMax), text: "y" })).toBe("mail_too_large");
});

const TEXTS: readonly (readonly [html: string, text: string])[] = [
  ["<p>a</p><p>b</p>", "a\n\nb"],
  ["a<br>b<br/>c", "a\nb\nc"],
  ['<a href="http://x">http://x</a>', "http://x"],
  ['<a class="b" href="http://x?a=1&amp;b=2"><b>go</b></a>', "go (http://x?a=1&b=2)"],
  [
    "<style>p{}</style><script>1</script>a &lt;b&gt; &#39;c&#39; &nope; &amp;lt;",
    "a <b> 'c' &nope; &lt;",
  ],
  ["<html><head><title>t</title></head><body> x\n  y </body></html>", "x y"],
];
for (const [html, text] of TEXTS) {
  test(`${html} reads ${JSON.stringify(text)}`, () => {
    expect(htmlToText(html)).toBe(text);
  });
}

test("a template is filled in one pass, its values escaped in the body", () => {
  const values = new Map([
    ["APP_NAME", "A & <B>"],
    ["RECORD:name", "{TOKEN}"],
    ["TOKEN", "secret"],
  ]);
  const template = {
    subject: "{APP_NAME}\n{RECORD:name}",
    body: "{APP_NAME} {RECORD:name} {NOPE}",
  };
  const { subject, html } = fillTemplate(template, values);
  expect(subject).toBe("A & <B> {TOKEN}");
  expect(html).toContain("<main>A &amp; &lt;B&gt; {TOKEN} {NOPE}</main>");
});
