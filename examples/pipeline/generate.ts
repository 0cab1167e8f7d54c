// Generates orders.csv: 10,000 orders, about one in a hundred of them wrong in one of the ways that real files are.
// The same seed gives the same file.
//   node examples/pipeline/generate.ts [ROWS] [SEED] > orders.csv

const COUNTRIES = ['DE', 'FR', 'NL', 'PL', 'SE', 'GB', 'US', 'CH'] as const;
const CURRENCY_OF: Record<(typeof COUNTRIES)[number], string> = {
  DE: 'EUR',
  FR: 'EUR',
  NL: 'EUR',
  PL: 'PLN',
  SE: 'SEK',
  GB: 'GBP',
  US: 'USD',
  CH: 'CHF',
};
const PRODUCTS = [
  ['Desk lamp, brass', 39.9],
  ['Desk lamp, black', 34.9],
  ['Notebook A5', 4.5],
  ['Fountain pen', 27],
  ['Chair "Nord"', 149],
  ['Bookshelf, oak, 4 boards', 219.5],
  ['Coffee mug', 8.25],
  ['Wall clock', 45],
] as const;
const FIRST_DAY_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const SHARE_OF_BAD_ROWS = 0.01;

const HEADER = 'order_id,order_date,customer_id,country,product,quantity,unit_price,currency';

/** The CSV text with a header and `rows` orders. */
export function generateOrders(rows: number, seed: number): string {
  const random = mulberry32(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const lines = [HEADER];
  for (let i = 1; i <= rows; i++) {
    const [product, price] = pick(PRODUCTS);
    const country = pick(COUNTRIES);
    const row = {
      order_id: `O-${String(i).padStart(6, '0')}`,
      order_date: new Date(FIRST_DAY_MS + Math.floor((i / rows) * 300) * DAY_MS).toISOString().slice(0, 10),
      customer_id: `C-${1000 + Math.floor(random() * 2500)}`,
      country,
      product,
      quantity: String(1 + Math.floor(random() * random() * 12)),
      unit_price: (price * (0.9 + random() * 0.2)).toFixed(2),
      currency: CURRENCY_OF[country],
    };
    if (random() < SHARE_OF_BAD_ROWS) pick(FAULTS)(row);
    lines.push(Object.values(row).map(quote).join(','));
  }
  return `${lines.join('\n')}\n`;
}

type Row = Record<'order_date' | 'customer_id' | 'quantity' | 'unit_price' | 'currency', string>;

/** The first four can be repaired; nobody can guess what the others meant. */
const FAULTS: ((row: Row) => void)[] = [
  (row) => {
    row.unit_price = row.unit_price.replace('.', ',');
  },
  (row) => {
    row.order_date = row.order_date.split('-').reverse().join('.');
  },
  (row) => {
    row.currency = ` ${row.currency.toLowerCase()}`;
  },
  (row) => {
    row.quantity = `${row.quantity} pcs`;
  },
  (row) => {
    row.customer_id = '';
  },
  (row) => {
    row.quantity = `-${row.quantity}`;
  },
  (row) => {
    row.unit_price = 'n/a';
  },
];

function quote(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A small generator of even numbers in [0, 1), the same on every machine. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [rows = '10000', seed = '20261123'] = process.argv.slice(2);
  process.stdout.write(generateOrders(Number(rows), Number(seed)));
}
