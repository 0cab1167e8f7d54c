package dev.brume.lambda.training;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.List;
import java.util.Map;

/** An ordinary function. */
public class Sample implements RequestHandler<Sample.Order, Map<String, Object>> {
    public record Inner(long id, String text) {}

    public static class Order {
        private String name;
        private int count;
        private Double ratio;
        private boolean done;
        private List<String> tags;
        private Inner inner;

        public String getName() {
            return name;
        }

        public void setName(String value) {
            name = value;
        }

        public int getCount() {
            return count;
        }

        public void setCount(int value) {
            count = value;
        }

        public Double getRatio() {
            return ratio;
        }

        public void setRatio(Double value) {
            ratio = value;
        }

        public boolean isDone() {
            return done;
        }

        public void setDone(boolean value) {
            done = value;
        }

        public List<String> getTags() {
            return tags;
        }

        public void setTags(List<String> value) {
            tags = value;
        }

        public Inner getInner() {
            return inner;
        }

        public void setInner(Inner value) {
            inner = value;
        }
    }

    @Override
    public Map<String, Object> handleRequest(Order order, Context context) {
        context.getLogger().log("order " + order.getName() + " " + context.getRemainingTimeInMillis());
        System.out.println("order " + order.getCount());
        if (context.getAwsRequestId().equals("0-1")) throw new IllegalStateException("as an example");
        return Map.of("order", order, "total", 1.5, "id", order.getInner().id());
    }
}
