using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Mail;
using System.Text;

/// <summary>System.Net.Mail of Mono as a client under test: MonoClient.exe key=value...</summary>
/// <remarks>
/// It composes the message by itself, from subject and body. Exit status: 0 sent, 1 not sent, 89 cannot be done with it.
/// </remarks>
static class MonoClient
{
    static int Main(string[] words)
    {
        var told = new Dictionary<string, string>();
        var message = new MailMessage();
        foreach (var word in words)
        {
            var pair = word.Split(new[] { '=' }, 2);
            if (pair[0] == "to") message.To.Add(new MailAddress(pair[1]));
            else if (pair[0] == "cc") message.CC.Add(new MailAddress(pair[1]));
            else if (pair[0] == "bcc") message.Bcc.Add(new MailAddress(pair[1]));
            else told[pair[0]] = pair[1];
        }
        message.From = new MailAddress(told["sender"]);
        message.Subject = told["subject"];
        message.SubjectEncoding = Encoding.UTF8;
        message.Body = File.ReadAllText(told["body"], Encoding.UTF8);
        message.BodyEncoding = Encoding.UTF8;
        if (told.ContainsKey("receipt"))
            message.DeliveryNotificationOptions =
                DeliveryNotificationOptions.OnSuccess | DeliveryNotificationOptions.OnFailure;
        var client = new SmtpClient(told["host"], int.Parse(told["port"]));
        client.Timeout = int.Parse(told["timeout"]) * 1000;
        client.EnableSsl = told["tls"] != "never";
        if (told["mode"] != "none")
        {
            var password = File.ReadAllText(told["password-file"], Encoding.UTF8);
            client.Credentials = told["mode"] == "ntlm"
                ? new NetworkCredential(told["user"], password, told["domain"])
                : new NetworkCredential(told["user"], password);
        }
        try
        {
            client.Send(message);
            return 0;
        }
        catch (Exception failed)
        {
            for (var cause = failed; cause != null; cause = cause.InnerException)
                Console.Error.WriteLine(cause.GetType().Name + ": " + cause.Message);
            return 1;
        }
    }
}
