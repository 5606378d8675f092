"""The words that the containers choose from."""

ADDRESSES = (
    "203.0.113.7",
    "203.0.113.61",
    "198.51.100.23",
    "198.51.100.208",
    "192.0.2.14",
    "192.0.2.77",
    "2001:db8::4a:17",
)

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0",
    "curl/8.8.0",
    "kube-probe/1.30",
)

PATHS = (
    "/",
    "/cart",
    "/cart?add=4711&qty=2",
    "/search?q=<shoes>&sort=price",
    "/product/4711",
    "/product/815?ref=mail&utm=autumn",
    "/static/app.3f9c.js",
    "/static/app.css",
    "/login",
    "/checkout",
    "/checkout/confirm",
    "/favicon.ico",
)

USERS = ("anna", "bob", "chloé", "dmitri", "émile", "fatima", "günther", "hanako", "张伟", "yuki")

TASKS = ("mail", "resize", "invoice", "stock", "report")

JAVA_FRAMES = (
    "shop.payment.Client.charge(Client.java:88)",
    "shop.payment.Client.lambda$retry$3(Client.java:131)",
    "shop.checkout.Orders.pay(Orders.java:214)",
    "shop.checkout.Orders$$FastClassBySpringCGLIB$$1c9a.invoke(<generated>)",
    "java.base/java.net.SocketInputStream.read(SocketInputStream.java:168)",
    "java.base/java.net.Socket.connect(Socket.java:633)",
    "org.apache.http.impl.execchain.MainClientExec.execute(MainClientExec.java:272)",
    "org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1043)",
    "org.apache.tomcat.util.threads.TaskThread$WrappingRunnable.run(TaskThread.java:61)",
    "java.base/java.lang.Thread.run(Thread.java:840)",
)

QUERIES = (
    "SELECT id, price FROM product WHERE stock > 0 AND price < $1 ORDER BY price LIMIT 20",
    "UPDATE stock SET amount = amount - $1 WHERE product = $2 AND amount >= $1",
    'INSERT INTO "order" (customer, total) VALUES ($1, $2) RETURNING id',
    "SELECT * FROM session WHERE token = $1 AND expires > now()",
    "DELETE FROM session WHERE expires < now() - interval '1 day'",
)

CHAT = (
    "good morning everyone",
    "guten Morgen! Größe 44 ist wieder da",
    "大家好，订单已经发货了",  # noqa: RUF001
    "おはようございます。在庫はありますか？",  # noqa: RUF001
    "доброе утро, где мой заказ?",
    "merci beaucoup, c'était très rapide",
    "deployed 🚀🚀 <b>done</b> & dusted",
    'he said "ship it" and left a \\ behind',
    "one paragraph\u2028another one, by a line separator that ends no line",
    "tabs\tare\tfine, \x1b[32mcolours\x1b[0m too",
    "",
)
