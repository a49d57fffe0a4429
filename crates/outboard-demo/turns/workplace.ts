const { messages } = await workplace.read_channel_messages({ channel: "engineering" });
const time = messages.map(m => /standup at (\d+:\d+)/.exec(m.text)?.[1]).find(Boolean);
const { contacts } = await workplace.search_contacts({ query: "engineering" });
await workplace.schedule_meeting({ title: "Standup", time, attendees: contacts.map(c => c.name) });
let post;
try {
  post = await workplace.post_message_to_all_hands({ text: `Engineering's standup moves to ${time}` });
} catch (error) {
  post = { error: error.name, code: error.code, message: error.message };
}
return { time, invited: contacts.length, post };
