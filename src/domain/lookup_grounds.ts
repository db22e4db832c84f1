/** What a score may be looked up for. */
export const PURPOSES = [
  "credit_granting",
  "credit_review",
  "collection",
  "fraud_prevention",
  "subject_request",
] as const;
export type Purpose = (typeof PURPOSES)[number];

/** The legal bases of the LGPD that a lookup can have. */
export const LEGAL_BASES = [
  "credit_protection",
  "consent",
  "contract",
  "legitimate_interest",
  "legal_obligation",
] as const;
export type LegalBasis = (typeof LEGAL_BASES)[number];

/** What a key says of each of its lookups that says nothing of it itself: Claro's shape has no place for these. */
export type LookupDefaults = { readonly purpose?: Purpose; readonly legalBasis?: LegalBasis };

/** Fields that a tenant's policy may make mandatory. */
export const REQUIRABLE_FIELDS = ["reference", "purpose", "legalBasis", "consentId", "requestedBy"] as const;
export type RequirableField = (typeof REQUIRABLE_FIELDS)[number];

/** Those fields as a lookup gives them. */
export type GivenFields = { readonly [Field in RequirableField]?: string | null | undefined };

/** Which of the mandatory fields neither the lookup nor its key's defaults give. */
export function missingFields(
  requires: readonly RequirableField[],
  given: GivenFields,
  defaults: LookupDefaults | null = null,
): RequirableField[] {
  const known: GivenFields = defaults ?? {};
  return requires.filter((field) => (given[field] ?? known[field] ?? null) === null);
}

/** Why a lookup is made and by whom, as the tenant says; opaque to the gateway, kept on the event. */
export type LookupGrounds = {
  readonly purpose: Purpose | null;
  readonly legalBasis: LegalBasis | null;
  readonly consentId: string | null;
  readonly requestedBy: string | null;
};
