package library;

public class Tool {
    public static int answer() {
        return 42;
    }
}
