package com.amazonaws.services.lambda.runtime;

import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Type;

/**
 * Replaces the conversion of events and results, when the package names an implementation in META-INF/services.
 * https://docs.aws.amazon.com/lambda/latest/dg/java-custom-serialization.html
 */
public interface CustomPojoSerializer {
    <T> T fromJson(InputStream input, Type type);

    <T> T fromJson(String input, Type type);

    <T> void toJson(T value, OutputStream output, Type type);
}
