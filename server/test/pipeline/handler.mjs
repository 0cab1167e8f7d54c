export const handler = async (event) => {
  for (const { s3 } of event.Records) console.log(`Node.js saw ${s3.object.key} in ${s3.bucket.name}`);
  return { statusCode: 200 };
};
