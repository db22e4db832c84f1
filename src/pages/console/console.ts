import { mayAct } from "../../domain/roles.ts";
import { getTenantStatementFile } from "../../http/statements.ts";
import type { PlaceOfPages } from "../run_page.ts";
import { showConsoleSignIn, signInToConsole, signOutOfConsole } from "../sign_in.ts";
import { SIGN_IN } from "../sign_in_texts.ts";
import * as audit from "./audit.ts";
import { fileOf } from "./call_endpoint.ts";
import { showHealth } from "./health.ts";
import * as lookups from "./lookups.ts";
import * as months from "./months.ts";
import { MONTHS } from "./months_texts.ts";
import { CONSOLE_NAV } from "./nav.ts";
import * as operators from "./operators.ts";
import { OPERATORS } from "./operate_texts.ts";
import { showOverview } from "./overview.ts";
import * as people from "./people.ts";
import { PEOPLE } from "./people_texts.ts";
import * as reconciliations from "./reconciliations.ts";
import * as search from "./search.ts";
import { showTenant } from "./tenant.ts";
import * as tenantActions from "./tenant_actions.ts";
import * as tenantForms from "./tenant_forms.ts";
import * as tenantKeys from "./tenant_keys.ts";
import * as tenantMoney from "./tenant_money.ts";
import { showTenants } from "./tenants.ts";
import { KEY_TEXTS, MONEY_TEXTS, TENANTS } from "./tenants_texts.ts";

/** The operator's console. */
export const CONSOLE: PlaceOfPages = {
  nav: (visitor) => (visitor.place === "console" ? CONSOLE_NAV.filter(({ role }) => mayAct(visitor.roles, role)) : []),
  done: {
    "signed-out": SIGN_IN.signedOut,
    "tenant-created": TENANTS.created,
    "tenant-saved": TENANTS.saved,
    "links-ended": TENANTS.linksEnded,
    "key-revoked": KEY_TEXTS.revoked,
    "key-terms-saved": KEY_TEXTS.termsSaved,
    adjusted: MONEY_TEXTS.adjusted,
    "month-closed": MONTHS.isClosed,
    "month-closing": MONTHS.stillClosing,
    "prices-saved": MONTHS.pricesSaved,
    restricted: PEOPLE.restricted,
    unrestricted: PEOPLE.unrestricted,
    "roles-saved": OPERATORS.rolesSaved,
    "operator-revoked": OPERATORS.revoked,
  },
  pages: [
    showConsoleSignIn,
    signInToConsole,
    signOutOfConsole,
    showOverview,
    search.showSearch,
    search.searchEverything,
    showTenants,
    tenantForms.showNewTenant,
    tenantForms.createTenant,
    showTenant,
    tenantForms.showTenantEdit,
    tenantForms.editTenant,
    tenantForms.showPlanEdit,
    tenantForms.editPlan,
    tenantActions.suspendTenant,
    tenantActions.resumeTenant,
    tenantActions.makePortalLink,
    tenantActions.endPortalLinks,
    tenantKeys.showNewKey,
    tenantKeys.createKey,
    tenantKeys.showKey,
    tenantKeys.rotateKey,
    tenantKeys.revokeKey,
    tenantKeys.changeKeyTerms,
    tenantKeys.revokeKeyNow,
    tenantMoney.showAdjustments,
    tenantMoney.createAdjustment,
    tenantMoney.showStatements,
    tenantMoney.showStatement,
    fileOf("/console/tenants/:tenantId/statements/:period/:file", getTenantStatementFile),
    lookups.showLookups,
    lookups.findLookup,
    lookups.showLookup,
    months.showMonths,
    months.downloadMonth,
    months.showMonth,
    months.closeMonth,
    months.setPrices,
    reconciliations.uploadReport,
    reconciliations.showReconciliation,
    reconciliations.downloadDifferences,
    reconciliations.continueReconciliation,
    people.showPeople,
    people.searchPerson,
    people.restrictPerson,
    people.unrestrictPerson,
    showHealth,
    audit.showAudit,
    audit.downloadAudit,
    operators.showOperators,
    operators.showNewOperator,
    operators.createOperator,
    operators.changeRoles,
    operators.revokeOperator,
  ],
};
