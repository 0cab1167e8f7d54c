"""Fails on a file that is not good, and says so in its log; good ones go to the output bucket."""

import os

import boto3

s3 = boto3.client("s3")


def lambda_handler(event, context):
    for record in event["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        if "bad" in body:
            print(f"ERROR {key} has a bad row")
            s3.put_object(Bucket=os.environ["OUTPUT"], Key=f"failed/{key}", Body=body)
        else:
            s3.put_object(Bucket=os.environ["OUTPUT"], Key=f"good/{key}", Body=body)
