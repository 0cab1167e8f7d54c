package dev.brume.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.ByteArrayOutputStream;

/** A handler, whatever its shape. */
interface Invocable {
    void invoke(byte[] event, ByteArrayOutputStream output, Context context) throws Throwable;
}
