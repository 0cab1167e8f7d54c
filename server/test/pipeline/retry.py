"""Subscribed to the alarm's topic: takes the failed files up again."""

import json
import os

import boto3

s3 = boto3.client("s3")


def lambda_handler(event, context):
    for record in event["Records"]:
        alarm = json.loads(record["Sns"]["Message"])
        print(f"{alarm['AlarmName']}: {alarm['OldStateValue']} -> {alarm['NewStateValue']}")
        bucket = os.environ["OUTPUT"]
        for failed in s3.list_objects_v2(Bucket=bucket, Prefix="failed/").get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=failed["Key"])["Body"].read().decode()
            key = failed["Key"].replace("failed/", "retried/")
            s3.put_object(Bucket=bucket, Key=key, Body=body.replace("bad", "mended"))
            s3.delete_object(Bucket=bucket, Key=failed["Key"])
