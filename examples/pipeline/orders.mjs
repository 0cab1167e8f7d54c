// What an order is: read from a row of the CSV, or refused with the reason.

const EUR_PER = { EUR: 1, GBP: 1.15, USD: 0.92, CHF: 1.04, PLN: 0.235, SEK: 0.089 };

/** A row that is no order; the message says why. */
export class BadRow extends Error {}

/** The order as it goes out. Throws BadRow. */
export function transform(row) {
  if (!/^C-\d+$/.test(row.customer_id ?? '')) throw new BadRow(`no customer in ${quoted(row.customer_id)}`);
  if (!isIsoDate(row.order_date)) throw new BadRow(`order_date ${quoted(row.order_date)} is not YYYY-MM-DD`);
  if (!/^[1-9]\d*$/.test(row.quantity)) {
    throw new BadRow(`quantity ${quoted(row.quantity)} is not a positive whole number`);
  }
  if (!/^\d+(\.\d+)?$/.test(row.unit_price)) throw new BadRow(`unit_price ${quoted(row.unit_price)} is not a number`);
  if (!Object.hasOwn(EUR_PER, row.currency)) throw new BadRow(`currency ${quoted(row.currency)} is unknown`);
  const total = Math.round(Number(row.unit_price) * 100) * Number(row.quantity);
  return {
    orderId: row.order_id,
    orderedOn: row.order_date,
    customerId: row.customer_id,
    country: row.country,
    product: row.product,
    quantity: Number(row.quantity),
    total: total / 100,
    currency: row.currency,
    totalEur: Math.round(total * EUR_PER[row.currency]) / 100,
  };
}

/** The row with what can be mended without guessing: decimal commas, day-first dates, units, case and spaces. */
export function repair(row) {
  const mended = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, (value ?? '').trim()]));
  mended.unit_price = mended.unit_price.replace(',', '.');
  mended.currency = mended.currency.toUpperCase();
  mended.quantity = mended.quantity.replace(/ pcs$/, '');
  mended.order_date = mended.order_date.replace(/^(\d\d)\.(\d\d)\.(\d{4})$/, '$3-$2-$1');
  return mended;
}

function isIsoDate(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

function quoted(value) {
  return `'${value ?? ''}'`;
}
