"""Runs when the alarm notifies: takes each file of rejected rows, mends what can be mended, writes those orders, and
leaves the rest in quarantine/ for a person."""

import json
import os

import boto3
from orders import repair, transform

s3 = boto3.client("s3")
BUCKET = os.environ["OUTPUT_BUCKET"]


def lambda_handler(event, context):
    for record in event["Records"]:
        alarm = json.loads(record["Sns"]["Message"])
        print(f"Alarm {alarm['AlarmName']} is {alarm['NewStateValue']}")
        if alarm["NewStateValue"] == "ALARM":
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="rejected/"):
                for found in page.get("Contents", []):
                    retry(found["Key"])


def retry(key):
    rejected = [json.loads(line) for line in s3.get_object(Bucket=BUCKET, Key=key)["Body"].iter_lines()]
    orders, hopeless = [], []
    for entry in rejected:
        try:
            orders.append(transform(repair(entry["row"])))
        except ValueError as reason:
            hopeless.append({**entry, "reason": str(reason)})
    name = key.removeprefix("rejected/").removesuffix(".jsonl")
    write(f"orders/{name}.retried.jsonl", orders)
    write(f"quarantine/{name}.jsonl", hopeless)
    s3.delete_object(Bucket=BUCKET, Key=key)
    print(f"Retried {name}: {len(orders)} of {len(rejected)} rows mended, {len(hopeless)} in quarantine")


def write(key, items):
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines.encode(), ContentType="application/x-ndjson")
