import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.util.json.Jsoner;

/** Port and file → Camel's lumberjack server, until SIGTERM; each event is a line of the file before it is acknowledged. */
class LumberjackLauncher {
    public static void main(String[] words) throws Exception {
        var file = new FileOutputStream(words[1], true);
        var context = new DefaultCamelContext();
        context.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("lumberjack:127.0.0.1:" + words[0]).process(exchange -> {
                    var line = Jsoner.serialize(exchange.getIn().getBody(Map.class)) + "\n";
                    synchronized (file) {
                        file.write(line.getBytes(StandardCharsets.UTF_8));
                    }
                });
            }
        });
        context.start();
        Thread.currentThread().join();
    }
}
