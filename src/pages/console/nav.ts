import type { Role } from "../../domain/roles.ts";
import type { NavEntry } from "../layout.ts";
import { NAV_TEXTS } from "./console_texts.ts";
import { PEOPLE } from "./people_texts.ts";

type ConsoleEntry = NavEntry & { readonly role: Role };

/** The menu: an operator sees the entries of their roles. The search finds the same pages. */
export const CONSOLE_NAV: readonly ConsoleEntry[] = [
  { path: "/console", text: NAV_TEXTS.overview, role: "read" },
  { path: "/console/tenants", text: NAV_TEXTS.tenants, role: "read" },
  { path: "/console/lookups", text: NAV_TEXTS.lookups, role: "read" },
  { path: "/console/months", text: NAV_TEXTS.months, role: "read", also: "/console/reconciliations" },
  { path: "/console/people", text: PEOPLE.title, role: "privacy" },
  { path: "/console/health", text: NAV_TEXTS.health, role: "read" },
  { path: "/console/audit", text: NAV_TEXTS.audit, role: "read" },
  { path: "/console/operators", text: NAV_TEXTS.operators, role: "admin" },
];
