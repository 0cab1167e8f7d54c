package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.TestEvent;
import java.util.Arrays;

/** An event of AWS's library, whose properties have other names than in JSON. */
public class Events implements RequestHandler<TestEvent, Object> {
    @Override
    public Object handleRequest(TestEvent event, Context context) {
        TestEvent.Message first = event.getRecords().get(0);
        return Arrays.asList(event.getRecords().size(), first.getEventSourceArn(), first.getDetailType(), first.getArrival().getTime());
    }
}
