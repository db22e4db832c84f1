/** What our calls name themselves, with package.json's version (a test holds the two together). */
export const PRODUCT = "claro-score-gateway/0.1.0";
