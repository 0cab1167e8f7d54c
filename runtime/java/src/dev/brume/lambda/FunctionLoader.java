package dev.brume.lambda;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds the function's classes: at the root of its package, in the jars of its lib directory, in those of its layers. The
 * interfaces of com.amazonaws.services.lambda.runtime come from the runtime, also when the package has them, as on AWS.
 */
final class FunctionLoader extends URLClassLoader {
    private static final String LAYERS = "/opt/java/lib";

    FunctionLoader(String taskRoot) {
        super(places(taskRoot), ClassLoader.getSystemClassLoader());
    }

    private static URL[] places(String taskRoot) {
        List<URL> places = new ArrayList<>();
        places.add(url(taskRoot + "/"));
        addJars(taskRoot + "/lib", places);
        addJars(LAYERS, places);
        return places.toArray(new URL[0]);
    }

    private static void addJars(String directory, List<URL> places) {
        String[] names = new File(directory).list();
        if (names == null) return;
        Arrays.sort(names);
        for (String name : names) if (name.endsWith(".jar")) places.add(url(directory + "/" + name));
    }

    @SuppressWarnings("deprecation")
    private static URL url(String path) {
        try {
            return new URL("file", null, -1, path);
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(path, e);
        }
    }
}
