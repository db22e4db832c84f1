import type { Scope } from "../../domain/api_key.ts";
import type { NavEntry } from "../layout.ts";
import type { PlaceOfPages } from "../run_page.ts";
import { showPortalLink, showPortalSignIn, signInToPortal, signOutOfPortal, usePortalLink } from "../sign_in.ts";
import { SIGN_IN } from "../sign_in_texts.ts";
import { showIntegrate } from "./integrate.ts";
import { createKey, revokeKey, rotateKey, showKeys } from "./keys.ts";
import { KEYS_TEXTS } from "./keys_texts.ts";
import { searchLookups, showLookups } from "./lookups.ts";
import { showPortalOverview } from "./overview.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";
import { downloadStatement, showStatement, showStatements } from "./statements.ts";
import { showTry, tryLookup } from "./try_it.ts";
import { downloadUsage, showUsage } from "./usage.ts";

type PortalEntry = NavEntry & { readonly scope: Scope | null };

const NAV: readonly PortalEntry[] = [
  { path: "/portal", text: PORTAL_TEXTS.overview, scope: null },
  { path: "/portal/try", text: PORTAL_TEXTS.tryIt, scope: null },
  { path: "/portal/keys", text: PORTAL_TEXTS.keys, scope: "usage:read" },
  { path: "/portal/usage", text: PORTAL_TEXTS.usage, scope: "usage:read" },
  { path: "/portal/statements", text: PORTAL_TEXTS.statements, scope: "statements:read" },
  { path: "/portal/lookups", text: PORTAL_TEXTS.lookups, scope: "usage:read" },
  { path: "/portal/integrate", text: PORTAL_TEXTS.integrate, scope: null },
];

/** The partner's portal: what a key's scopes do not allow is not offered. */
export const PORTAL: PlaceOfPages = {
  nav: (visitor) =>
    visitor.place === "portal" ? NAV.filter(({ scope }) => scope === null || visitor.scopes.includes(scope)) : [],
  done: { "signed-out": SIGN_IN.signedOut, "key-revoked": KEYS_TEXTS.wasRevoked },
  pages: [
    showPortalSignIn,
    signInToPortal,
    showPortalLink,
    usePortalLink,
    signOutOfPortal,
    showPortalOverview,
    showTry,
    tryLookup,
    showKeys,
    createKey,
    rotateKey,
    revokeKey,
    showUsage,
    downloadUsage,
    showStatements,
    showStatement,
    downloadStatement,
    showLookups,
    searchLookups,
    showIntegrate,
  ],
};
