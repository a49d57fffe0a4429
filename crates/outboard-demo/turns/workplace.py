import re

messages = (await workplace.read_channel_messages(channel="engineering"))["messages"]
time = next(found[1] for m in messages if (found := re.search(r"standup at (\d+:\d+)", m["text"])))
contacts = (await workplace.search_contacts(query="engineering"))["contacts"]
await workplace.schedule_meeting(title="Standup", time=time, attendees=[c["name"] for c in contacts])
try:
    post = await workplace.post_message_to_all_hands(text=f"Engineering's standup moves to {time}")
except ToolError as error:
    post = {"error": type(error).__name__, "code": error.code, "message": error.message}
{"time": time, "invited": len(contacts), "post": post}
