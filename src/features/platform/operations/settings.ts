import { Type } from "@sinclair/typebox";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import { readForm } from "../service/forms.ts";
import type { SettingsService } from "../service/settings-service.ts";
import type { TestMails } from "../service/test-mails.ts";

const Body = Type.Optional(Type.Unknown());
/** Read by `readForm`: a wrong type is refused without details. */
const Value = Type.Optional(Type.Unknown());

const common = { access: "superuser", dialect: "records" } as const;

export interface SettingsParts {
  readonly settings: SettingsService;
  readonly mails: TestMails;
}

/** Settings of the platform; superusers only. */
export function settingsOperations({ settings, mails }: SettingsParts): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "settings.show",
      kind: "read",
      summary: "Shows the settings without their secrets",
      input: Type.Object({}),
      output: Type.Unknown(),
      errors: [],
      rest: [{ method: "GET", path: "/api/settings" }],
      run: async () => settings.show(),
    }),
    defineOperation({
      ...common,
      name: "settings.update",
      kind: "write",
      summary: "Changes the settings that are sent; secrets left empty stay",
      input: Type.Object({ body: Body }),
      output: Type.Unknown(),
      errors: ["invalid_settings", "validation_failed"],
      bodyField: "body",
      rest: [{ method: "PATCH", path: "/api/settings" }],
      run: (context, { body }) => settings.update(context, body),
    }),
    ...trials({ settings, mails }),
  ];
}

function trials({ settings, mails }: SettingsParts): Operation[] {
  return [
    defineOperation({
      ...common,
      name: "settings.testS3",
      kind: "write",
      summary: "Writes to the S3 storage of files or backups and deletes it again",
      input: Type.Object({ filesystem: Value }),
      output: Type.Void(),
      errors: ["invalid_body", "validation_failed", "s3_failed"],
      rest: [{ method: "POST", path: "/api/settings/test/s3", status: 204 }],
      async run(context, input) {
        const { filesystem } = readForm(input, { filesystem: "" });
        await settings.testS3(context, filesystem);
      },
    }),
    defineOperation({
      ...common,
      name: "settings.testEmail",
      kind: "write",
      summary: "Sends one of an auth collection's mails, made up",
      input: Type.Object({
        email: Value,
        template: Value,
        collection: Value,
      }),
      output: Type.Void(),
      errors: ["invalid_body", "validation_failed", "mail_failed"],
      rest: [{ method: "POST", path: "/api/settings/test/email", status: 204 }],
      async run(context, input) {
        await mails.send(context, readForm(input, { email: "", template: "", collection: "" }));
      },
    }),
    defineOperation({
      ...common,
      name: "settings.appleClientSecret",
      kind: "write",
      summary: "Makes the client secret for signing in with Apple",
      input: Type.Object({
        clientId: Value,
        teamId: Value,
        keyId: Value,
        privateKey: Value,
        duration: Value,
      }),
      output: Type.Object({ secret: Type.String() }),
      errors: ["invalid_body", "validation_failed", "apple_secret_failed"],
      rest: [{ method: "POST", path: "/api/settings/apple/generate-client-secret" }],
      async run(context, input) {
        const empty = { clientId: "", teamId: "", keyId: "", privateKey: "", duration: 0 };
        return { secret: await settings.appleSecret(context, readForm(input, empty)) };
      },
    }),
  ];
}
