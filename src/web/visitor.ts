/** Who looks at the page: a user, a guest, or somebody who has not said yet. */

import type { ApiClient, SignUp, User } from "../client/index.ts";

const GUEST_KEY = "parvis.guest";

export class Visitor {
  readonly api: ApiClient;
  readonly #storage: Storage;
  #user: User | undefined;

  /** `storage` forgets with the tab: a guest of today is asked again tomorrow. */
  constructor(api: ApiClient, storage: Storage) {
    this.api = api;
    this.#storage = storage;
  }

  get user(): User | undefined {
    return this.#user;
  }

  /** Signed in, or content to be a guest. */
  get known(): boolean {
    return this.#user !== undefined || this.#storage.getItem(GUEST_KEY) !== null;
  }

  get name(): string {
    return this.#user ? this.#user.name || this.#user.email : "Guest";
  }

  /** Signs in with the token of the last visit, if it is still good. Error: ApiError. */
  async restore(): Promise<void> {
    this.#user = await this.api.currentUser();
  }

  async signIn(email: string, password: string): Promise<void> {
    this.#user = await this.api.signIn(email, password);
  }

  async signUp(account: SignUp): Promise<void> {
    this.#user = await this.api.signUp(account);
  }

  goOnAsGuest(): void {
    this.#storage.setItem(GUEST_KEY, "yes");
  }

  signOut(): void {
    this.api.signOut();
    this.#user = undefined;
    this.#storage.removeItem(GUEST_KEY);
  }
}
