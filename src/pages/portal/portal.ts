import type { NavEntry } from "../layout.ts";
import type { PlaceOfPages } from "../run_page.ts";
import { showPortalLink, showPortalSignIn, signInToPortal, signOutOfPortal, usePortalLink } from "../sign_in.ts";
import { SIGN_IN } from "../sign_in_texts.ts";
import { showPortalOverview } from "./overview.ts";
import { PORTAL_TEXTS } from "./portal_texts.ts";

const NAV: readonly NavEntry[] = [{ path: "/portal", text: PORTAL_TEXTS.overview }];

/** The partner's portal. */
export const PORTAL: PlaceOfPages = {
  nav: () => NAV,
  done: { "signed-out": SIGN_IN.signedOut },
  pages: [showPortalSignIn, signInToPortal, showPortalLink, usePortalLink, signOutOfPortal, showPortalOverview],
};
