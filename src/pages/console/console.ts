import type { Role } from "../../domain/roles.ts";
import { mayAct } from "../../domain/roles.ts";
import type { NavEntry } from "../layout.ts";
import type { PlaceOfPages } from "../run_page.ts";
import { showConsoleSignIn, signInToConsole, signOutOfConsole } from "../sign_in.ts";
import { SIGN_IN } from "../sign_in_texts.ts";
import { NAV_TEXTS } from "./console_texts.ts";
import { showOverview } from "./overview.ts";

type ConsoleEntry = NavEntry & { readonly role: Role };

const NAV: readonly ConsoleEntry[] = [{ path: "/console", text: NAV_TEXTS.overview, role: "read" }];

/** The operator's console. */
export const CONSOLE: PlaceOfPages = {
  nav: (visitor) => (visitor.place === "console" ? NAV.filter(({ role }) => mayAct(visitor.roles, role)) : []),
  done: { "signed-out": SIGN_IN.signedOut },
  pages: [showConsoleSignIn, signInToConsole, signOutOfConsole, showOverview],
};
