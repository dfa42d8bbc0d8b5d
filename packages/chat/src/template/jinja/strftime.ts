// A date as Python's `strftime` writes it, in English, in local time.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const two = (n: number): string => String(n).padStart(2, "0");

function dayOfYear(date: Date): number {
  const [day, first] = [date.getMonth(), 0].map((month, i) =>
    Date.UTC(date.getFullYear(), month, i === 0 ? date.getDate() : 1),
  );
  return ((day as number) - (first as number)) / 86_400_000 + 1;
}

/** What stands for a letter behind `%`. */
const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (DAYS[date.getDay()] as string).slice(0, 3),
  A: (date) => DAYS[date.getDay()] as string,
  b: (date) => (MONTHS[date.getMonth()] as string).slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] as string,
  d: (date) => two(date.getDate()),
  f: (date) => String(date.getMilliseconds() * 1000).padStart(6, "0"),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  S: (date) => two(date.getSeconds()),
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  D: (date) => strftime(date, "%m/%d/%y"),
  F: (date) => strftime(date, "%Y-%m-%d"),
  R: (date) => strftime(date, "%H:%M"),
  T: (date) => strftime(date, "%H:%M:%S"),
  c: (date) => strftime(date, "%a %b %e %H:%M:%S %Y"),
  e: (date) => String(date.getDate()).padStart(2, " "),
  x: (date) => strftime(date, "%m/%d/%y"),
  X: (date) => strftime(date, "%H:%M:%S"),
  "%": () => "%",
};

/** `%-d` and its like are without zeros in front; what is not known stands as it is. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([A-Za-z%])/g, (whole, dash: string, letter: string) => {
    const text = Object.hasOwn(FIELDS, letter) ? FIELDS[letter]?.(date) : undefined;
    if (text === undefined) return whole;
    return dash === "" ? text : text.replace(/^[0 ]+(?=.)/, "");
  });
}
