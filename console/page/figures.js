// Writes numbers for people.

const dollars = (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** 1,234,567 */
export const count = (value) => whole.format(value);

/** 1.23M */
export const compact = (value) => short.format(value);

/** US dollars with as many digits as matter; a word where the price is unknown. */
export function usd(value) {
  if (value === null || value === undefined) return "unknown";
  if (value === 0) return "US$ 0";
  if (value >= 100) return `US$ ${whole.format(value)}`;
  if (value >= 0.01) return `US$ ${dollars(2).format(value)}`;
  return `US$ ${Number(value.toPrecision(2)).toFixed(Math.max(2, 1 - Math.floor(Math.log10(value))))}`;
}

/** 0.73 as 73%. */
export const percent = (share) => `${Math.round(share * 100)}%`;

/** 12 ms, 3.4 s */
export const duration = (milliseconds) =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

/** 12 B, 3.4 kB, 5.6 MB */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
