/** The page of the API document: Swagger UI, from this server's own files and nothing else. */

/** What `swagger-ui.js` leaves in the page. */
declare const SwaggerUIBundle: (options: {
  readonly url: string;
  readonly dom_id: string;
  readonly deepLinking: boolean;
  readonly docExpansion: "list" | "none";
  /** Null: no badge of a validator on another host. */
  readonly validatorUrl: null;
  readonly persistAuthorization: boolean;
  readonly defaultModelsExpandDepth: number;
}) => unknown;

SwaggerUIBundle({
  url: "/api/openapi",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  persistAuthorization: true,
  // The schemas stand at their operations; the list of all at the end is only long.
  defaultModelsExpandDepth: -1,
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
