// NodeCounters PID...: for each Cassandra process a line "PID local remote": the plain writes that it coordinated as a
// replica and as a mere go-between since it started (ClientRequest.Write LocalRequests and RemoteRequests, which
// StorageProxy.performWrite counts once for each mutation). Read over JMX, through the agent of the JDK.

import com.sun.tools.attach.VirtualMachine;
import javax.management.ObjectName;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

public class NodeCounters {
    public static void main(String[] pids) throws Exception {
        for (String pid : pids) {
            VirtualMachine machine = VirtualMachine.attach(pid);
            String address = machine.startLocalManagementAgent();
            machine.detach();
            try (var connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
                var server = connector.getMBeanServerConnection();
                var line = new StringBuilder(pid);
                for (String name : new String[] {"LocalRequests", "RemoteRequests"}) {
                    line.append(' ').append(server.getAttribute(new ObjectName(
                            "org.apache.cassandra.metrics:type=ClientRequest,scope=Write,name=" + name), "Count"));
                }
                System.out.println(line);
            }
        }
    }
}
