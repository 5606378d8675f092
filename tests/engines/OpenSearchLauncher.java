import static org.codelibs.opensearch.runner.OpenSearchRunner.newConfigs;

import java.util.Arrays;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/** Base directory and NAME=VALUE settings → one OpenSearch node, until SIGTERM. The runner's own main ends at once. */
class OpenSearchLauncher {
    public static void main(String[] words) throws InterruptedException {
        var runner = new OpenSearchRunner();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(runner)));
        runner.onBuild((number, settings) -> Arrays.stream(words).skip(1).map(word -> word.split("=", 2))
                .forEach(setting -> settings.put(setting[0], setting[1])))
            .build(newConfigs().basePath(words[0]).numOfNode(1).clusterName("pilotfish-tests"));
        Thread.currentThread().join();
    }

    private static void close(OpenSearchRunner runner) {
        try {
            runner.close();
        } catch (java.io.IOException problem) {
            problem.printStackTrace();
        }
    }
}
