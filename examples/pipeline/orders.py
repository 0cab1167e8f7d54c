"""What an order is: read from a row of the CSV, or refused with the reason."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

EUR_PER = {
    "EUR": Decimal("1"),
    "GBP": Decimal("1.15"),
    "USD": Decimal("0.92"),
    "CHF": Decimal("1.04"),
    "PLN": Decimal("0.235"),
    "SEK": Decimal("0.089"),
}


def transform(row):
    """The order as it goes out. Raises ValueError with the reason when the row is bad."""
    if not re.fullmatch(r"C-\d+", row["customer_id"] or ""):
        raise ValueError(f"no customer in {row['customer_id']!r}")
    try:
        ordered = date.fromisoformat(row["order_date"])
    except ValueError:
        raise ValueError(f"order_date {row['order_date']!r} is not YYYY-MM-DD") from None
    if not re.fullmatch(r"[1-9]\d*", row["quantity"]):
        raise ValueError(f"quantity {row['quantity']!r} is not a positive whole number")
    try:
        price = Decimal(row["unit_price"])
    except InvalidOperation:
        raise ValueError(f"unit_price {row['unit_price']!r} is not a number") from None
    if row["currency"] not in EUR_PER:
        raise ValueError(f"currency {row['currency']!r} is unknown")
    total = price * int(row["quantity"])
    return {
        "orderId": row["order_id"],
        "orderedOn": ordered.isoformat(),
        "customerId": row["customer_id"],
        "country": row["country"],
        "product": row["product"],
        "quantity": int(row["quantity"]),
        "total": float(total),
        "currency": row["currency"],
        "totalEur": float((total * EUR_PER[row["currency"]]).quantize(Decimal("0.01"))),
    }


def repair(row):
    """The row with what can be mended without guessing: decimal commas, day-first dates, units, case and spaces."""
    mended = {name: (value or "").strip() for name, value in row.items()}
    mended["unit_price"] = mended["unit_price"].replace(",", ".")
    mended["currency"] = mended["currency"].upper()
    mended["quantity"] = mended["quantity"].removesuffix(" pcs")
    if day_first := re.fullmatch(r"(\d\d)\.(\d\d)\.(\d{4})", mended["order_date"]):
        mended["order_date"] = "-".join(reversed(day_first.groups()))
    return mended
