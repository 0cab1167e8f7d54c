package com.amazonaws.services.lambda.runtime;

/** The Amazon Cognito identity of the caller, when it came with one. */
public interface CognitoIdentity {
    String getIdentityId();

    String getIdentityPoolId();
}
