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

/** Why a lookup is made and by whom, as the tenant says; opaque to the gateway, kept on the event. */
export type LookupGrounds = {
  readonly purpose: Purpose | null;
  readonly legalBasis: LegalBasis | null;
  readonly consentId: string | null;
  readonly requestedBy: string | null;
};
