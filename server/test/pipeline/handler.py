import json, boto3
def lambda_handler(event, context):
    s3_client = boto3.client('s3')
    for record in event['Records']:
        bucket_name = record['s3']['bucket']['name']
        file_key = record['s3']['object']['key']
        print(f"New file uploaded: {file_key} in bucket {bucket_name}")
    return {'statusCode': 200, 'body': json.dumps('File processed successfully!')}
