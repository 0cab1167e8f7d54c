// AWS's cron expressions: cron(minutes hours day-of-month month day-of-week year), in a time zone.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html#eb-cron-expressions

export interface CronSchedule {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  months: ReadonlySet<number>;
  years: ReadonlySet<number>;
  /** Whether a day of the calendar fits; days of the week count from Sunday, 0. */
  fitsDay: (day: CalendarDay) => boolean;
}

export interface CalendarDay {
  dayOfMonth: number;
  daysInMonth: number;
  dayOfWeek: number;
}

export class CronError extends Error {}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
/** From 1, Sunday, as AWS counts. */
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIRST_YEAR = 1970;
const LAST_YEAR = 2199;
const DAY_MS = 86_400_000;
/** How far the next time is looked for: 29 February may be eight years away. */
const MOST_DAYS_AHEAD = 9 * 366;

/** Throws CronError. */
export function parseCron(expression: string): CronSchedule {
  const inner = /^cron\((.*)\)$/s.exec(expression.trim())?.[1];
  if (inner === undefined) throw new CronError(`'${expression}' is not of the form cron(fields)`);
  const fields = inner.trim().split(/\s+/);
  if (fields.length !== 6) throw new CronError(`six fields are expected, and there are ${fields.length}`);
  const [minutes, hours, dayOfMonth, months, dayOfWeek, years] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new CronError('exactly one of day-of-month and day-of-week must be ?');
  }
  return {
    minutes: values(minutes, 'minutes', 0, 59),
    hours: values(hours, 'hours', 0, 23),
    months: values(months, 'month', 1, 12, MONTHS),
    years: values(years, 'year', FIRST_YEAR, LAST_YEAR),
    fitsDay: dayOfMonth === '?' ? fitsDayOfWeek(dayOfWeek) : fitsDayOfMonth(dayOfMonth),
  };
}

/** The first time after then, in milliseconds since the epoch; undefined when none comes. Times that a zone skips are skipped. */
export function nextCronTime(schedule: CronSchedule, afterMs: number, timeZone = 'UTC'): number | undefined {
  const offset = zoneOffset(timeZone);
  const firstDay = Math.floor((afterMs + offset(afterMs)) / DAY_MS) * DAY_MS;
  for (let i = 0; i < MOST_DAYS_AHEAD; i++) {
    const dayMs = firstDay + i * DAY_MS;
    if (!fitsDate(schedule, new Date(dayMs))) continue;
    for (const hour of sorted(schedule.hours)) {
      for (const minute of sorted(schedule.minutes)) {
        const localMs = dayMs + (hour * 60 + minute) * 60_000;
        const timeMs = fromLocal(localMs, offset);
        if (timeMs !== undefined && timeMs > afterMs) return timeMs;
      }
    }
  }
  return undefined;
}

export function isTimeZone(name: string): boolean {
  try {
    zoneOffset(name);
    return true;
  } catch {
    return false;
  }
}

function fitsDate({ months, years, fitsDay }: CronSchedule, date: Date): boolean {
  const month = date.getUTCMonth() + 1;
  const year = date.getUTCFullYear();
  if (!months.has(month) || !years.has(year)) return false;
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return fitsDay({ dayOfMonth: date.getUTCDate(), daysInMonth, dayOfWeek: date.getUTCDay() });
}

/** Milliseconds that local time is ahead of UTC. */
function zoneOffset(timeZone: string): (timeMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (timeMs) => {
    const parts = Object.fromEntries(format.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]));
    const { year, month, day, hour, minute, second } = parts;
    const localMs = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
    return localMs - Math.floor(timeMs / 1000) * 1000;
  };
}

/** Undefined for a local time that does not exist. */
function fromLocal(localMs: number, offset: (timeMs: number) => number): number | undefined {
  const guess = localMs - offset(localMs);
  const timeMs = localMs - offset(guess);
  return timeMs + offset(timeMs) === localMs ? timeMs : undefined;
}

function fitsDayOfMonth(field: string): (day: CalendarDay) => boolean {
  if (field === 'L') return ({ dayOfMonth, daysInMonth }) => dayOfMonth === daysInMonth;
  if (field === 'LW') return (day) => isNearestWeekday(day, day.daysInMonth);
  const weekday = /^(\d{1,2})W$/.exec(field);
  if (weekday) {
    const wanted = Number(weekday[1]);
    if (wanted < 1 || wanted > 31) throw new CronError(`'${field}' is no day-of-month`);
    return (day) => wanted <= day.daysInMonth && isNearestWeekday(day, wanted);
  }
  const days = values(field, 'day-of-month', 1, 31);
  return ({ dayOfMonth }) => days.has(dayOfMonth);
}

/** The weekday nearest to a day, in the same month. */
function isNearestWeekday({ dayOfMonth, daysInMonth, dayOfWeek }: CalendarDay, wanted: number): boolean {
  if (dayOfWeek === 0 || dayOfWeek === 6) return false;
  if (dayOfMonth === wanted) return true;
  const friday = dayOfWeek === 5 && wanted === dayOfMonth + 1;
  const monday = dayOfWeek === 1 && wanted === dayOfMonth - 1;
  // From the first, a Saturday, to Monday the third; from the last, a Sunday, to Friday two days before.
  const start = dayOfWeek === 1 && wanted === 1 && dayOfMonth === 3;
  const end = dayOfWeek === 5 && wanted === daysInMonth && dayOfMonth === daysInMonth - 2;
  return (friday && !(wanted === 1)) || (monday && wanted !== daysInMonth) || start || end;
}

function fitsDayOfWeek(field: string): (day: CalendarDay) => boolean {
  const last = /^([1-7]|[A-Za-z]{3})?L$/.exec(field);
  if (last) {
    const weekday = last[1] === undefined ? 7 : number(last[1], 'day-of-week', 1, 7, DAYS);
    return ({ dayOfMonth, daysInMonth, dayOfWeek }) => dayOfWeek === weekday - 1 && dayOfMonth > daysInMonth - 7;
  }
  const nth = /^([1-7]|[A-Za-z]{3})#([1-5])$/.exec(field);
  if (nth) {
    const weekday = number(nth[1]!, 'day-of-week', 1, 7, DAYS);
    return ({ dayOfMonth, dayOfWeek }) => dayOfWeek === weekday - 1 && Math.ceil(dayOfMonth / 7) === Number(nth[2]);
  }
  const days = values(field, 'day-of-week', 1, 7, DAYS);
  return ({ dayOfWeek }) => days.has(dayOfWeek + 1);
}

/** Lists of numbers, ranges and steps. */
function values(field: string, name: string, min: number, max: number, names: readonly string[] = []): Set<number> {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d+))?$/.exec(part);
    if (!match) throw new CronError(`'${field}' is no ${name}`);
    const [, first, last, step] = match as unknown as [string, string, string | undefined, string | undefined];
    const from = first === '*' ? min : number(first, name, min, max, names);
    const to = last !== undefined ? number(last, name, min, max, names) : first === '*' || step ? max : from;
    const by = step === undefined ? 1 : Number(step);
    if (by < 1 || (first === '*' && last !== undefined)) throw new CronError(`'${field}' is no ${name}`);
    // FRI-MON goes around the end.
    const count = (to >= from ? to - from : to + (max - min + 1) - from) + 1;
    for (let i = 0; i < count; i += by) found.add(((from - min + i) % (max - min + 1)) + min);
  }
  return found;
}

function number(text: string, name: string, min: number, max: number, names: readonly string[]): number {
  const named = names.indexOf(text.toUpperCase());
  const value = named >= 0 ? named + 1 : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new CronError(`'${text}' is no ${name} from ${min} to ${max}`);
  return value;
}

function sorted(numbers: ReadonlySet<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}
