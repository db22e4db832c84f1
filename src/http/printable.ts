/**
 * 1 to `longest` characters that are visible in any script: no control characters, no line ends, nothing that changes
 * the direction of text.
 */
export function printable(longest: number): RegExp {
  return new RegExp(
    `^(?:(?![\\u2028-\\u202e\\u2066-\\u2069\\ufeff])[^\\p{Cc}\\p{Cs}\\p{Co}\\p{Cn}]){1,${longest}}$`,
    "u",
  );
}
