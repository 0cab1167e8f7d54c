// The named patterns of grok, as RE2 expressions without capturing groups. `(?<PORT>…)` marks what a pattern gives besides.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Configurable.html

const MONTH =
  '\\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|' +
  'Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b';
const DAY = '\\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)\\b';
const MONTHNUM = '(?:1[0-2]|0?[1-9])';
const MONTHNUM2 = '(?:1[0-2]|0[1-9])';
const MONTHDAY = '(?:3[01]|[12][0-9]|0?[1-9])';
const YEAR = '(?:[0-9]{2}){1,2}';
const HOUR = '(?:2[0-3]|[01]?[0-9])';
const MINUTE = '[0-5][0-9]';
const SECOND = '(?:60|[0-5]?[0-9])(?:[:.,][0-9]+)?';
const TIME = `${HOUR}:${MINUTE}:${SECOND}`;
const DATE_US = `${MONTHNUM}[/-]${MONTHDAY}[/-]${YEAR}`;
const DATE_EU = `${MONTHDAY}[./-]${MONTHNUM}[./-]${YEAR}`;
const DATE = `(?:${DATE_US}|${DATE_EU})`;
const ISO8601_TIMEZONE = `(?:Z|[+-]${HOUR}:?${MINUTE})`;
const TZ = '(?:[PMCE][SD]T|UTC)';
const INT = '[+-]?[0-9]+';
const BASE10NUM = '[+-]?(?:[0-9]+(?:\\.[0-9]+)?|\\.[0-9]+)';
const POSINT = '\\b[1-9][0-9]*\\b';
const NONNEGINT = '\\b[0-9]+\\b';
const USERNAME = '[a-zA-Z0-9._-]+';
const CISCOMAC = '(?:[0-9A-Fa-f]{4}\\.){2}[0-9A-Fa-f]{4}';
const WINDOWSMAC = '(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}';
const COMMONMAC = '(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}';
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `\\b${OCTET}(?:\\.${OCTET}){3}\\b`;
const HEXTET = '[0-9A-Fa-f]{1,4}';
const IPV6 =
  `(?:(?:${HEXTET}:){7}${HEXTET}|(?:${HEXTET}:){1,6}(?::${HEXTET}){1,6}|(?:${HEXTET}:){6}${IPV4}|` +
  `(?:${HEXTET}:){0,5}:(?:[fF]{4}:)?${IPV4}|::(?:[fF]{4}:)?${IPV4}|(?:${HEXTET}:){1,7}:|:(?::${HEXTET}){1,7}|::)`;
const IP = `(?:${IPV6}|${IPV4})`;
const HOSTNAME = '\\b[0-9A-Za-z][0-9A-Za-z-]*(?:\\.[0-9A-Za-z][0-9A-Za-z-]*)*\\b';
const IPORHOST = `(?:${IP}|${HOSTNAME})`;
const UNIXPATH = "(?:/[\\w%!$@:.,+~?=&#'-]*)+";
const WINPATH = '(?:[A-Za-z]+:|\\\\)(?:\\\\[^\\\\?*\\n]*)+';
const URIPROTO = '[A-Za-z]+(?:\\+[A-Za-z+]+)?';
const URIPATH = "(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_-]*)+";
const URIPARAM = "\\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\\[\\]<>-]*";
const URIPATHPARAM = `${URIPATH}(?:${URIPARAM})?`;
const PROG = '[\\w./%-]+';

/** Name -> expression, and how often a match may use it. */
export const GROK_PATTERNS: ReadonlyMap<string, { expression: string; most: number }> = new Map(
  (
    [
      ['USERNAME', USERNAME, 20],
      ['USER', USERNAME, 20],
      ['INT', INT, 20],
      ['BASE10NUM', BASE10NUM, 20],
      ['NUMBER', BASE10NUM, 20],
      ['BASE16NUM', '[+-]?(?:0x)?[0-9A-Fa-f]+', 20],
      ['POSINT', POSINT, 20],
      ['NONNEGINT', NONNEGINT, 20],
      ['WORD', '\\b\\w+\\b', 20],
      ['NOTSPACE', '\\S+', 5],
      ['SPACE', '\\s*', 5],
      ['DATA', '.*?', 5],
      ['GREEDYDATA', '.*', 5],
      ['GREEDYDATA_MULTILINE', '(?s:.*)', 1],
      ['QUOTEDSTRING', `(?:"(?<*>(?:\\\\.|[^\\\\"])*)"|'(?<*>(?:\\\\.|[^\\\\'])*)')`, 20],
      ['UUID', '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}', 20],
      ['URN', "urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:(?:%[0-9A-Fa-f]{2}|[0-9A-Za-z()+,.:=@;$_!*'/?#-])+", 20],
      ['ARN', 'arn:aws(?:-cn|-us-gov)?:[\\w-]+:[\\w-]+:[0-9]{12}:[\\w.+=,@:-]+(?:/[\\w.+=,@:-]+){0,4}', 5],
      ['CISCOMAC', CISCOMAC, 20],
      ['WINDOWSMAC', WINDOWSMAC, 20],
      ['COMMONMAC', COMMONMAC, 20],
      ['MAC', `(?:${CISCOMAC}|${WINDOWSMAC}|${COMMONMAC})`, 20],
      ['IPV6', IPV6, 5],
      ['IPV4', IPV4, 20],
      ['IP', IP, 5],
      ['HOSTNAME', HOSTNAME, 5],
      ['HOST', HOSTNAME, 5],
      ['IPORHOST', IPORHOST, 5],
      ['HOSTPORT', `${IPORHOST}:(?<PORT>${POSINT})`, 5],
      ['URIHOST', `${IPORHOST}(?::(?<port>${POSINT}))?`, 5],
      ['UNIXPATH', UNIXPATH, 20],
      ['WINPATH', WINPATH, 5],
      ['PATH', `(?:${UNIXPATH}|${WINPATH})`, 5],
      ['TTY', '/dev/(?:pts/|tty\\w?)[0-9]+', 20],
      ['URIPROTO', URIPROTO, 20],
      ['URIPATH', URIPATH, 20],
      ['URIPARAM', URIPARAM, 5],
      ['URIPATHPARAM', URIPATHPARAM, 5],
      ['URI', `${URIPROTO}://(?:${USERNAME}(?::[^@\\s]*)?@)?(?:${IPORHOST}(?::${POSINT})?)?(?:${URIPATHPARAM})?`, 5],
      ['MONTH', MONTH, 20],
      ['MONTHNUM', MONTHNUM, 20],
      ['MONTHNUM2', MONTHNUM2, 20],
      ['MONTHDAY', MONTHDAY, 20],
      ['YEAR', YEAR, 20],
      ['DAY', DAY, 20],
      ['HOUR', HOUR, 20],
      ['MINUTE', MINUTE, 20],
      ['SECOND', SECOND, 20],
      ['TIME', TIME, 20],
      ['DATE_US', DATE_US, 20],
      ['DATE_EU', DATE_EU, 20],
      ['ISO8601_TIMEZONE', ISO8601_TIMEZONE, 20],
      ['ISO8601_SECOND', SECOND, 20],
      [
        'TIMESTAMP_ISO8601',
        `${YEAR}-${MONTHNUM}-${MONTHDAY}[T ]${HOUR}:?${MINUTE}(?::?${SECOND})?(?:${ISO8601_TIMEZONE})?`,
        20,
      ],
      ['DATE', DATE, 20],
      ['DATESTAMP', `${DATE}[- ]${TIME}`, 20],
      ['TZ', TZ, 20],
      ['DATESTAMP_RFC822', `${DAY} ${MONTH} ${MONTHDAY} ${YEAR} ${TIME} ${TZ}`, 20],
      ['DATESTAMP_RFC2822', `${DAY}, ${MONTHDAY} ${MONTH} ${YEAR} ${TIME} ${ISO8601_TIMEZONE}`, 20],
      ['DATESTAMP_OTHER', `${DAY} ${MONTH} ${MONTHDAY} ${TIME} ${TZ} ${YEAR}`, 20],
      ['DATESTAMP_EVENTLOG', `${YEAR}${MONTHNUM2}${MONTHDAY}${HOUR}${MINUTE}${SECOND}`, 20],
      [
        'LOGLEVEL',
        '(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo|INFO|[Ww]arn(?:ing)?|WARN(?:ING)?|' +
          '[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|' +
          '[Ee]merg(?:ency)?|EMERG(?:ENCY)?)',
        20,
      ],
      ['HTTPDATE', `${MONTHDAY}/${MONTH}/${YEAR}:${TIME} ${INT}`, 20],
      ['SYSLOGTIMESTAMP', `${MONTH} +${MONTHDAY} ${TIME}`, 20],
      ['PROG', PROG, 20],
      ['SYSLOGPROG', `(?<program>${PROG})(?:\\[(?<pid>${POSINT})\\])?`, 20],
      ['SYSLOGHOST', IPORHOST, 5],
      ['SYSLOGFACILITY', `<(?<facility>${NONNEGINT})\\.(?<priority>${NONNEGINT})>`, 20],
    ] as const
  ).map(([name, expression, most]) => [name, { expression, most }]),
);

/** At most five of these in one match, together. */
export const EXPENSIVE_PATTERNS: ReadonlySet<string> = new Set([
  'URI',
  'URIPARAM',
  'URIPATHPARAM',
  'SPACE',
  'DATA',
  'GREEDYDATA',
  'GREEDYDATA_MULTILINE',
]);

/** A whole format with the fields that it gives; `number` fields come as numbers, `time` as ISO 8601 in UTC. */
export interface CommonFormat {
  expression: string;
  fields: readonly { name: string; kind: 'text' | 'number' | 'time' }[];
}

const text = (name: string) => ({ name, kind: 'text' }) as const;
const number = (name: string) => ({ name, kind: 'number' }) as const;
const time = (name: string) => ({ name, kind: 'time' }) as const;
const ACCESS = '(\\S+) \\S+ (\\S+) \\[([^\\]]+)\\] "(?:(\\w+) (\\S+)(?: HTTP/([0-9.]+))?|[^"]*)" ([0-9]{3}) ([0-9]+|-)';
const ACCESS_FIELDS = [
  text('remote_host'),
  text('auth_user'),
  time('timestamp'),
  text('http_method'),
  text('request'),
  text('http_version'),
  number('status_code'),
  number('response_size'),
];

export const COMMON_FORMATS: ReadonlyMap<string, CommonFormat> = new Map([
  [
    'APACHE_ACCESS_LOG',
    {
      expression: `${ACCESS}(?: "([^"]*)" "([^"]*)")?`,
      fields: [...ACCESS_FIELDS, text('referrer'), text('agent')],
    },
  ],
  [
    'NGINX_ACCESS_LOG',
    { expression: `${ACCESS} "([^"]*)" "([^"]*)"`, fields: [...ACCESS_FIELDS, text('referrer'), text('agent')] },
  ],
  [
    'SYSLOG5424',
    {
      expression:
        '<([0-9]{1,3})>([0-9]{1,2}) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (?:-|\\[((?:[^\\]\\\\]|\\\\.)*)\\])(?: ?((?s:.+)))?',
      fields: [
        number('pri'),
        number('version'),
        text('timestamp'),
        text('hostname'),
        text('app'),
        text('proc_id'),
        text('msg_id'),
        text('structured_data'),
        text('message'),
      ],
    },
  ],
]);
