"""Runs when a CSV of orders arrives in the bucket: good rows go to the output bucket as JSON lines, bad rows are logged
with ERROR and put aside for retry.py."""

import csv
import io
import json
import os
from urllib.parse import unquote_plus

import boto3
from orders import transform

s3 = boto3.client("s3")


def lambda_handler(event, context):
    results = []
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        print(f"New file uploaded: {key} in bucket {bucket}")
        results.append(process(bucket, key))
    return results


def process(bucket, key):
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    rows = csv.DictReader(io.TextIOWrapper(body, encoding="utf-8", newline=""))
    orders, rejected = [], []
    for row in rows:
        try:
            orders.append(transform(row))
        except ValueError as reason:
            print(f"ERROR {key} line {rows.line_num}: {reason}")
            rejected.append({"line": rows.line_num, "reason": str(reason), "row": row})
    name = key.removesuffix(".csv")
    write(f"orders/{name}.jsonl", orders)
    if rejected:
        write(f"rejected/{name}.jsonl", rejected)
    print(f"{key}: {len(orders)} orders written, {len(rejected)} rows rejected")
    return {"file": key, "orders": len(orders), "rejected": len(rejected)}


def write(key, items):
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    s3.put_object(Bucket=os.environ["OUTPUT_BUCKET"], Key=key, Body=lines.encode(), ContentType="application/x-ndjson")
