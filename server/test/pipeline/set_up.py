"""Builds the pipeline with boto3, nothing but AWS_ENDPOINT_URL set. Arguments: runtime of the Python functions.
Prints what the test needs to know as JSON."""

import io
import json
import pathlib
import sys
import zipfile

import boto3

runtime = sys.argv[1]
here = pathlib.Path(__file__).parent
s3, iam, lam, logs, cloudwatch, sns, sqs = (
    boto3.client(name) for name in ("s3", "iam", "lambda", "logs", "cloudwatch", "sns", "sqs")
)
account = boto3.client("sts").get_caller_identity()["Account"]


def zipped(name):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.write(here / name, name)
    return archive.getvalue()


def create_function(name, source, runtime, handler):
    function = lam.create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=role["Arn"],
        Handler=handler,
        Code={"ZipFile": zipped(source)},
        Environment={"Variables": {"OUTPUT": "output-bucket"}},
        Timeout=30,
    )
    return function["FunctionArn"]


def allow(name, principal, source):
    lam.add_permission(
        FunctionName=name, StatementId="caller", Action="lambda:InvokeFunction", Principal=principal, SourceArn=source
    )


s3.create_bucket(Bucket="my-bucket")
s3.create_bucket(Bucket="output-bucket")
trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
iam.attach_role_policy(
    RoleName="pipeline", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)

functions = {
    "csv": create_function("process-upload", "handler.py", runtime, "handler.lambda_handler"),
    "txt": create_function("validate", "validate.py", runtime, "validate.lambda_handler"),
    "json": create_function("in-nodejs", "handler.mjs", "nodejs24.x", "handler.handler"),
}
for name in ("process-upload", "validate", "in-nodejs"):
    allow(name, "s3.amazonaws.com", "arn:aws:s3:::my-bucket")
s3.put_bucket_notification_configuration(
    Bucket="my-bucket",
    NotificationConfiguration={
        "LambdaFunctionConfigurations": [
            {
                "LambdaFunctionArn": arn,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": f".{suffix}"}]}},
            }
            for suffix, arn in functions.items()
        ]
    },
)

for name in ("process-upload", "validate", "in-nodejs"):
    lam.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

topic = sns.create_topic(Name="alarms")["TopicArn"]
queue_url = sqs.create_queue(QueueName="on-call")["QueueUrl"]
queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
policy = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
    ],
}
sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": json.dumps(policy)})
retry = create_function("retry", "retry.py", runtime, "retry.lambda_handler")
allow("retry", "sns.amazonaws.com", topic)
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=retry)

logs.create_log_group(logGroupName="/aws/lambda/validate")
logs.put_metric_filter(
    logGroupName="/aws/lambda/validate",
    filterName="errors",
    filterPattern="ERROR",
    metricTransformations=[{"metricNamespace": "Pipeline", "metricName": "Errors", "metricValue": "1"}],
)
cloudwatch.put_metric_alarm(
    AlarmName="errors",
    Namespace="Pipeline",
    MetricName="Errors",
    Statistic="Sum",
    Period=60,
    EvaluationPeriods=1,
    Threshold=1,
    ComparisonOperator="GreaterThanOrEqualToThreshold",
    AlarmActions=[topic],
)
cloudwatch.put_metric_alarm(
    AlarmName="S3BucketSizeAlarm",
    ComparisonOperator="GreaterThanThreshold",
    EvaluationPeriods=1,
    MetricName="BucketSizeBytes",
    Namespace="AWS/S3",
    Period=300,
    Statistic="Average",
    Threshold=5 * 1024 * 1024 * 1024,
    AlarmDescription="Alarm when the bucket exceeds 5 GB",
    Dimensions=[
        {"Name": "BucketName", "Value": "my-bucket"},
        {"Name": "StorageType", "Value": "StandardStorage"},
    ],
    AlarmActions=[topic],
)
print(json.dumps({"account": account, "topic": topic, "queueUrl": queue_url}))
