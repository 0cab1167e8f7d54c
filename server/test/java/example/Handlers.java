package example;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The functions of the tests of the Java runtime. */
public class Handlers {
    public static class Echo implements RequestHandler<Object, Object> {
        @Override
        public Object handleRequest(Object event, Context context) {
            return event;
        }
    }

    public static class Stream implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
            output.write('[');
            output.write(input.readAllBytes());
            output.write(']');
        }
    }

    public enum Color { RED, GREEN }

    public record Point(int x, int y, String label, Point next) {}

    public static class Item {
        public String name;
        private int count;
        private Color color;
        private List<Point> points;
        private Map<String, Long> sizes;
        private String hidden = "private";
        private boolean active;

        public int getCount() {
            return count;
        }

        public void setCount(int value) {
            count = value;
        }

        public Color getColor() {
            return color;
        }

        void setColor(Color value) {
            color = value;
        }

        public List<Point> getPoints() {
            return points;
        }

        public void setPoints(List<Point> value) {
            points = value;
        }

        public Map<String, Long> getSizes() {
            return sizes;
        }

        public void setSizes(Map<String, Long> value) {
            sizes = value;
        }

        public boolean isActive() {
            return active;
        }

        public void setActive(boolean value) {
            active = value;
        }
    }

    public static class Pojo implements RequestHandler<Item, Item> {
        @Override
        public Item handleRequest(Item item, Context context) {
            item.setCount(item.getCount() + 1);
            return item;
        }
    }

    public static class Records implements RequestHandler<Point, Point> {
        @Override
        public Point handleRequest(Point point, Context context) {
            return new Point(point.y(), point.x(), point.label(), point);
        }
    }

    /** Its types come from a superclass. */
    public abstract static class Generic<I, O> implements RequestHandler<List<I>, Map<String, O>> {}

    public static class Inherited extends Generic<Point, Integer> {
        @Override
        public Map<String, Integer> handleRequest(List<Point> points, Context context) {
            Map<String, Integer> sums = new LinkedHashMap<>();
            for (Point point : points) sums.put(point.label(), point.x() + point.y());
            return sums;
        }
    }

    public static class Times {
        public Instant instant;
        public LocalDate day;
        public LocalDateTime local;
        public Duration length;
        public Date date;
        public UUID id;
        public BigDecimal exact;
        public byte[] bytes;
        public Optional<String> maybe = Optional.empty();
    }

    public Times times(Times times) {
        return times;
    }

    public List<Object> describeTimes(Times times) {
        return Arrays.asList(times.instant.toString(), times.day.toString(), times.local.toString(), times.length.toString(),
                times.date.getTime(), times.id.toString(), times.exact.toPlainString(), times.bytes.length, times.maybe.orElse("none"));
    }

    public int twice(int number) {
        return 2 * number;
    }

    public String upper(String text, Context context) {
        return text.toUpperCase() + context.getFunctionVersion();
    }

    public static String fixed() {
        return "static";
    }

    public String overloaded(String text) {
        return "one";
    }

    public String overloaded(String text, Context context) {
        return "with context";
    }

    public void nothing(Map<String, Object> event) {}

    public void streams(InputStream input, OutputStream output) throws IOException {
        output.write(input.readAllBytes());
    }

    public Object badSignature(String one, String two) {
        return null;
    }

    public List<String> types(Map<String, Object> event) {
        List<String> names = new ArrayList<>();
        for (Object value : event.values()) names.add(value == null ? "null" : value.getClass().getSimpleName());
        return names;
    }

    public static class Bad extends RuntimeException {
        public Bad(String message, Throwable cause) {
            super(message, cause);
        }
    }

    public static class Thrower implements RequestHandler<Map<String, String>, String> {
        @Override
        public String handleRequest(Map<String, String> event, Context context) {
            return inner(event.get("message"));
        }

        private String inner(String message) {
            throw new Bad(message, new IllegalStateException("below"));
        }
    }

    public void throwsChecked() throws IOException {
        throw new IOException();
    }

    public static class NoInterface {}

    public static class NoConstructor implements RequestHandler<String, String> {
        public NoConstructor(String argument) {}

        @Override
        public String handleRequest(String event, Context context) {
            return event;
        }
    }

    public static class FailsInConstructor implements RequestHandler<String, String> {
        public FailsInConstructor() {
            throw new IllegalArgumentException("in the constructor");
        }

        @Override
        public String handleRequest(String event, Context context) {
            return event;
        }
    }

    public static class FailsInStatic implements RequestHandler<String, String> {
        static final int VALUE = Integer.parseInt("no number");

        @Override
        public String handleRequest(String event, Context context) {
            return event;
        }
    }

    public static class Count implements RequestHandler<Object, Integer> {
        private int count;

        @Override
        public Integer handleRequest(Object event, Context context) {
            return ++count;
        }
    }

    public static class Exits implements RequestHandler<Integer, Object> {
        @Override
        public Object handleRequest(Integer status, Context context) {
            System.exit(status);
            return null;
        }
    }

    public static class Eats implements RequestHandler<Object, Object> {
        @Override
        public Object handleRequest(Object event, Context context) {
            List<byte[]> all = new ArrayList<>();
            while (true) all.add(new byte[1 << 20]);
        }
    }

    public static class Logs implements RequestHandler<Object, Object> {
        @Override
        public Object handleRequest(Object event, Context context) {
            LambdaLogger logger = context.getLogger();
            logger.log("two\nlines ü");
            System.out.println("printed ü");
            System.err.println("to standard error");
            logger.log("with a level", LogLevel.WARN);
            logger.log("bytes".getBytes(StandardCharsets.UTF_8));
            LambdaRuntime.getLogger().log("of the runtime");
            return null;
        }
    }

    public static class Contexts implements RequestHandler<Object, Object> {
        @Override
        public Object handleRequest(Object event, Context context) {
            ClientContext client = context.getClientContext();
            return Arrays.asList(context.getFunctionName(), context.getFunctionVersion(), context.getMemoryLimitInMB(),
                    context.getAwsRequestId(), context.getInvokedFunctionArn(), context.getLogGroupName(), context.getLogStreamName(),
                    context.getIdentity(), client == null ? null : client.getCustom().get("a"),
                    client == null ? null : client.getClient().getAppTitle(), context.getRemainingTimeInMillis(),
                    System.getProperty("com.amazonaws.xray.traceHeader"));
        }
    }

    public static class Environment implements RequestHandler<Object, Object> {
        @Override
        public Object handleRequest(Object event, Context context) throws RuntimeException {
            return Arrays.asList(System.getenv("AWS_EXECUTION_ENV"), System.getenv("_HANDLER"), System.getenv("TEXT"),
                    System.getProperty("user.dir").equals(System.getenv("LAMBDA_TASK_ROOT")), Runtime.getRuntime().maxMemory() >> 20,
                    java.nio.charset.Charset.defaultCharset().name());
        }
    }

    public static class Resources implements RequestHandler<Object, Object> {
        @Override
        public Object handleRequest(Object event, Context context) {
            try (InputStream file = getClass().getResourceAsStream("/settings.txt")) {
                return Arrays.asList(new String(file.readAllBytes(), StandardCharsets.UTF_8),
                        Class.forName("library.Tool").getMethod("answer").invoke(null),
                        getClass().getClassLoader() == Thread.currentThread().getContextClassLoader(), System.in.read());
            } catch (Exception e) {
                throw new RuntimeException(e);
            }
        }
    }

    public Object unserializable(String kind) {
        if (kind.equals("null")) return Map.of();
        Map<String, Object> itself = new LinkedHashMap<>();
        itself.put("a", itself);
        return itself;
    }

    public Map<String, Object> nulls(Object event) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("gone", null);
        map.put("list", Arrays.asList(1, null, 2.5, 'c', Color.RED, new int[] {1, 2}));
        map.put("item", new Item());
        return map;
    }
}
